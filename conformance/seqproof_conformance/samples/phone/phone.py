"""A small phone that speaks seqproof-phone/1, to be made yours. Run it: seqproof run --role phone 'exec:python3 phone.py'
Its store is a dict that a kill leaves alone; a real phone keeps it in a file. Everything else is gone after a kill."""
import json, sys
ABLE = ["tips", "kill", "late", "connection", "accounts", "epoch"]  # declare only what your phone can do
POLL_MS, RETRY_MS = 30_000, 2_000
disk, app = {}, {}  # disk: account -> [seq_cli, epoch, {(epoch, seq): body}]; app: what a kill takes

def boot(account):
    app.update(who=account, asked={}, waits=None, again=False, up=True, wire=[], wake=None, number=0)
    want()

def place(account): return disk.setdefault(account, [0, None, {}])

def want():  # a reason to ask: now, or when the recv under way is over
    if not app["up"]: return
    if app["waits"]: app["again"] = True; return
    seq_cli, epoch, _ = place(app["who"])
    app.update(number=app["number"] + 1, again=False, wake=None)
    app["waits"] = app["number"]
    app["asked"][app["number"]] = (app["who"], epoch)
    app["wire"].append({"op": "recv", "id": app["number"], "account": app["who"], "seq_cli": seq_cli, "epoch": epoch})

def over(number, on, wait):  # a recv is over: ask on, or rest for a while
    if number != app["waits"]: return
    app["waits"] = None
    if on or app["again"]: want()
    else: app["wake"] = app["now"] + wait

def reply(number, said):
    account, epoch = app["asked"].pop(number, (None, None))
    if account is None: return
    mine, on, late = place(account), False, number != app["waits"]
    if epoch not in (None, mine[1]): on = True  # a question of an epoch that is over: its answer says nothing
    elif said.get("code") == "ahead" or (mine[1] and said.get("epoch") not in (None, mine[1])):
        mine[:2], on = [0, said.get("epoch")], True  # a new epoch: keep the messages, ask from 0
        if late: want()
    else:  # the messages first, then the mark, which never falls
        mine[1] = said.get("epoch") or mine[1]
        mine[2].update({(mine[1], seq): body for seq, body in said["rows"]})
        mine[0] = max([mine[0]] + [seq for seq, _ in said["rows"]])
        on = said.get("more", False)
    over(number, on, POLL_MS)

def lost(number): over(number, False, RETRY_MS)

def elapse(ms):
    app["now"] += ms
    if app["wake"] is not None and app["wake"] <= app["now"]: want()

def do(q):
    op = q["op"]
    if op == "hello": return {"nonce": q["nonce"], "phone": "sample phone", "capabilities": ABLE, "poll_ms": POLL_MS,
                              "retry_ms": RETRY_MS}
    if op == "held": return {"rows": [[seq, body] for (_, seq), body in place(q["account"])[2].items()]}
    if op == "seq_cli": return {"seq_cli": place(q["account"])[0]}
    if op == "reset": disk.clear(), app.update(now=0, wire=[])
    elif op == "start": boot(q["account"])
    elif op == "restart": boot(app["who"])
    elif op == "login": boot(q["account"])
    elif op == "reply": reply(q["request"], q["reply"])
    elif op == "lost": lost(q["request"])
    elif op == "elapse": elapse(q["ms"])
    elif op == "sync" or (op == "tip" and q["account"] == app["who"]): want()
    elif op in ("online", "offline"): app.update(up=op == "online", waits=None, wake=None); want()
    wire, app["wire"] = app["wire"], []
    return {"requests": wire}

if __name__ == "__main__":
    for q in map(json.loads, sys.stdin): print(json.dumps({"id": q["id"], "ok": do(q)}), flush=True)
