"""A small phone that speaks seqproof-phone/1, to be made yours. Run it: seqproof run --role phone 'exec:python3 phone.py'
Its store is a dict that a kill leaves alone; a real phone keeps that in a file. All else is gone after a kill."""
import json, sys
ABLE = ["tips", "kill", "late", "connection", "accounts", "epoch"]  # declare only what your phone can do
POLL_MS, RETRY_MS = 30_000, 2_000
HELLO = {"phone": "sample phone", "capabilities": ABLE, "poll_ms": POLL_MS, "retry_ms": RETRY_MS}
disk, app = {}, {}  # disk: account -> [seq_cli, epoch, {(epoch, seq): body}]; app: what a kill takes

def boot():  # number: requests so far; waits: the one that it waits for; again: ask once more after that
    app.update(asked={}, up=True, wire=[], number=0)
def enter(account):
    app.update(who=account, waits=None, again=False, wake=None)
    want()
def place(account): return disk.setdefault(account, [0, None, {}])

def want():  # a reason to ask: now, or when the recv under way is over
    if not app["up"] or app["waits"]: app["again"] = app["up"]; return
    seq_cli, epoch, _ = place(app["who"])
    app.update(number=app["number"] + 1, waits=app["number"] + 1, again=False, wake=None)
    app["asked"][app["number"]] = (app["who"], epoch)
    app["wire"].append({"op": "recv", "id": app["number"], "account": app["who"], "seq_cli": seq_cli, "epoch": epoch})

def over(number, on, wait):  # a recv is over: ask on, or rest for a while
    if number != app["waits"]: return
    app.update(waits=None, wake=app["now"] + wait)
    if on or app["again"]: want()

def reply(number, said):
    account, epoch = app["asked"].pop(number, (None, None))
    if account is None: return
    mine, on = place(account), True
    if epoch not in (None, mine[1]): pass  # a question of an epoch that is over: its answer says nothing
    elif said.get("code") == "ahead" or (mine[1] and said["epoch"] not in (None, mine[1])):
        mine[:2] = [0, said["epoch"]]  # a new epoch: keep the messages, ask from 0
        if number != app["waits"]: want()
    else:  # the messages first, then the mark, which never falls
        mine[1], rows = said["epoch"] or mine[1], said.get("rows", [])
        mine[2].update({(mine[1], seq): body for seq, body in rows})
        mine[0], on = max([mine[0]] + [seq for seq, _ in rows]), said.get("more", False)
    over(number, on, POLL_MS)

def do(q):
    op = q["op"]
    if op == "hello": return {"nonce": q["nonce"]} | HELLO
    if op == "held": return {"rows": [[seq, body] for (_, seq), body in place(q["account"])[2].items()]}
    if op == "seq_cli": return {"seq_cli": place(q["account"])[0]}
    if op == "reset": disk.clear(), app.update(now=0, wire=[])
    if op in ("start", "restart"): boot()
    if op in ("start", "restart", "login"): enter(q.get("account") or app["who"])
    elif op == "reply": reply(q["request"], q["reply"])
    elif op == "lost": over(q["request"], False, RETRY_MS)
    elif op == "elapse": app["now"] += q["ms"]
    elif op in ("online", "offline"): app.update(up=op == "online", waits=None, again=False, wake=None)
    due = op == "elapse" and app["wake"] is not None and app["wake"] <= app["now"]
    if due or op in ("sync", "online") or (op == "tip" and q["account"] == app["who"]): want()
    wire, app["wire"] = app["wire"], []
    return {"requests": wire}

if __name__ == "__main__":
    for q in map(json.loads, sys.stdin): print(json.dumps({"id": q["id"], "ok": do(q)}), flush=True)
