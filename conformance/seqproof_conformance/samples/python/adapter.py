"""A seqproof adapter for a server behind HTTP, to be made yours. Run it: seqproof run 'exec:python3 adapter.py'
Its arguments start the server, whose first line ends with its URL; without any it is seqproof's reference server."""
import http.client, json, os, subprocess, sys, urllib.parse
START = sys.argv[1:] or ["seqproof", "serve", "--admin", "--db", os.environ.get("SEQPROOF_DIR", ".") + "/store.db"]
ABLE = ["send_seq", "kill", "preset_seq", "trim", "fail_next_store"]  # declare only what your server can do
REFUSED = {400: "malformed", 409: "ahead", 503: "store", 507: "full"}  # statuses of what surely did not happen

def start():  # a server that runs already: set host instead, and do not declare kill
    global server, host
    server = subprocess.Popen(START, stdout=subprocess.PIPE, text=True)
    host = urllib.parse.urlsplit(server.stdout.readline().strip().split(" ")[-1]).netloc
    assert host, f"the first line that {START[0]} prints must end with its URL"

def ask(path, q):  # one request, never repeated, with a bounded wait
    try:
        link = http.client.HTTPConnection(host, timeout=5)
        link.request("POST", path, json.dumps(q))
        reply = link.getresponse()
        status, told = reply.status, json.loads(reply.read())
    except ConnectionRefusedError: return {"refused": {"code": "unreachable"}}  # it surely did not happen
    except Exception as why: return {"indefinite": {"why": repr(why)}}  # nobody knows whether it happened
    if status == 200: return {"ok": told}  # of a send {"seq": 1}, of a recv {"rows": [[1, "m1"]]}
    return {"refused": {"code": REFUSED[status]}} if status in REFUSED else {"indefinite": {"why": f"{status} {told}"}}

def answer(q):
    op, account = q["op"], "/accounts/" + urllib.parse.quote(q["account"], safe="") if "account" in q else ""
    if op == "send": return ask(f"/v1{account}/messages", q)
    if op == "recv": return ask(f"/v1{account}/recv", q)
    if op in ("hello", "restart"): start()  # a restart finds the same store
    elif op in ("kill", "close"): server.kill(), server.wait()
    elif op in ("reset", "preset_seq", "trim", "fail_next_store"):
        done = ask(f"/admin{account}/{op}", q)
        assert "ok" in done, done
    else: return {"unsupported": True}
    return {"ok": {"nonce": q["nonce"], "server": START[0], "capabilities": ABLE} if op == "hello" else {}}
if __name__ == "__main__":
    for q in map(json.loads, sys.stdin):
        try: said = answer(q)
        except Exception as why: said = {"error": f"{type(why).__name__}: {why}"}  # the server cannot be reached
        print(json.dumps({"id": q["id"]} | said), flush=True)
