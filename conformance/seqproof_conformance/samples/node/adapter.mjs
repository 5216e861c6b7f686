// A seqproof adapter for a server behind HTTP, to be made yours. Run it: seqproof run 'exec:node adapter.mjs'
// Its arguments start the server, whose first line ends with its URL; without any it is seqproof's reference server.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface as lines } from 'node:readline'
let server, url, store = (process.env.SEQPROOF_DIR ?? '.') + '/store.db' // the kit removes it at the end
const START = process.argv[2] ? process.argv.slice(2) : ['seqproof', 'serve', '--admin', '--db', store]
const ABLE = ['send_seq', 'kill', 'preset_seq', 'trim', 'fail_next_store'] // declare only what your server can do
const REFUSED = { 400: 'malformed', 409: 'ahead', 503: 'store', 507: 'full' } // statuses of what surely did not happen
async function start() { // a server that runs already: set url instead, and do not declare kill
  server = spawn(START[0], START.slice(1), { stdio: ['ignore', 'pipe', 'inherit'] })
  const [told] = await Promise.race([once(lines(server.stdout), 'line'), once(server, 'exit')])
  url = new URL(String(told).split(' ').at(-1)).origin
}
const stop = () => { server.kill('SIGKILL'); return once(server, 'exit').then(() => {}) }
const inbox = (q, what) => `/accounts/${encodeURIComponent(q.account)}/${what}`
async function ask(path, q) { // one request, never repeated, with a bounded wait
  try {
    const body = JSON.stringify(q), signal = AbortSignal.timeout(5000)
    const reply = await fetch(url + path, { method: 'POST', body, signal })
    const code = REFUSED[reply.status], told = await reply.json() // {"seq": 1}, or {"rows": [[1, "m1"]]}
    return reply.ok ? { ok: told } : code ? { refused: { code } } : { indefinite: { why: `${reply.status}` } }
  } catch (why) { // connection refused: it surely did not happen; else nobody knows whether it happened
    return why.cause?.code === 'ECONNREFUSED' ? { refused: { code: 'unreachable' } } : { indefinite: { why: `${why}` } }
  }
}
async function admin(q) {
  const done = await ask('/admin' + (q.account ? inbox(q, q.op) : `/${q.op}`), q)
  if (!done.ok) throw Error(JSON.stringify(done))
}
const hello = (q) => start().then(() => ({ ok: { nonce: q.nonce, server: START[0], capabilities: ABLE } }))
const [send, recv] = ['messages', 'recv'].map((what) => (q) => ask('/v1' + inbox(q, what), q))
const does = { hello, send, recv, kill: stop, restart: start, close: stop, reset: admin, preset_seq: admin }
does.trim = does.fail_next_store = admin
lines(process.stdin).on('line', async (line) => { // several questions may be under way at once
  const q = JSON.parse(line), act = does[q.op] ?? (async () => ({ unsupported: true }))
  const said = await act(q).catch((why) => ({ error: `${why}` }))
  console.log(JSON.stringify({ id: q.id, ...said ?? { ok: {} } }))
  if (q.op === 'close') process.exit()
})
