// A toy server of the protocol, to try adapters on: inboxes behind HTTP, durable, in one process. No part of the kit.
//
// What happens to an inbox is a line of its journal, written before it is applied; a restart applies the journal again.
// So what was answered survives a kill, and nothing else has to be remembered. The first line it prints ends with its URL.
//
//     node toy.mjs [JOURNAL]                   default: journal.jsonl in SEQPROOF_DIR, which is the kit's, else here
//     MISBEHAVE=ack_on_reply node toy.mjs      what was sent to a phone counts as received: a lost reply loses messages
//     MISBEHAVE=forget_confirmed node toy.mjs  what one phone received is given again to the next
//     MISBEHAVE=volatile node toy.mjs          answers before it writes: a kill loses messages
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'

const SEQ_MAX = 2 ** 32 - 1
const fault = process.env.MISBEHAVE ?? ''
const faults = ['ack_on_reply', 'forget_confirmed', 'volatile']
if (fault && !faults.includes(fault)) throw Error(`no MISBEHAVE=${fault}; there are ${faults.join(', ')}`)
const journal = process.argv[2] ?? `${process.env.SEQPROOF_DIR ?? '.'}/journal.jsonl`
const inboxes = new Map()
let failing = false

function inbox(account) {
  if (!inboxes.has(account)) inboxes.set(account, { svr: 0, confirmed: 0, rows: [], sent: new Map() })
  return inboxes.get(account)
}

function apply(account, what, ...words) {
  if (what === 'reset') inboxes.delete(account)
  const it = inbox(account)
  if (what === 'send') {
    const [sender, id, body] = words
    it.rows.push([++it.svr, body])
    if (id) it.sent.set(JSON.stringify([sender, id]), it.svr)
  } else if (what === 'confirm') it.confirmed = Math.max(it.confirmed, words[0])
  else if (what === 'preset_seq') it.svr = it.confirmed = words[0]
  else if (what === 'trim') it.rows = it.rows.filter(([seq]) => seq > it.confirmed)
}

function happens(account, what, ...words) {
  if (fault !== 'volatile' || what === 'reset') appendFileSync(journal, JSON.stringify([account, what, ...words]) + '\n')
  apply(account, what, ...words)
}

function send(account, q) {
  const it = inbox(account), first = it.sent.get(JSON.stringify([q.sender, q.client_id]))
  if (first) return [200, { seq: first }]
  if (it.svr === SEQ_MAX) return [507, { error: 'full' }]
  if (failing) return failing = false, [503, { error: 'store' }]
  happens(account, 'send', q.sender, q.client_id, q.body)
  return [200, { seq: it.svr }]
}

function recv(account, q) {
  const it = inbox(account)
  if (q.seq_cli > it.svr) return [409, { error: 'ahead', seq_svr: it.svr }]
  if (q.seq_cli > it.confirmed) happens(account, 'confirm', q.seq_cli)
  const low = fault === 'forget_confirmed' ? q.seq_cli : it.confirmed
  const rows = it.rows.filter(([seq]) => seq > low)
  if (fault === 'ack_on_reply' && rows.length) happens(account, 'confirm', rows.at(-1)[0])
  return [200, { rows, more: false }]
}

function administer(account, what, q) {
  if (what === 'fail_next_store') failing = true
  else happens(account, what, ...(what === 'preset_seq' ? [q.seq] : []))
  return [200, {}]
}

if (existsSync(journal)) {
  for (const line of readFileSync(journal, 'utf8').split('\n')) if (line) apply(...JSON.parse(line))
}
const server = createServer(async (request, response) => {
  let text = ''
  for await (const part of request.setEncoding('utf8')) text += part
  const parts = request.url.split('/').slice(1), what = parts.at(-1)
  const account = decodeURIComponent(parts[2] ?? ''), q = JSON.parse(text)
  const does = parts[0] === 'admin' ? administer : what === 'messages' ? send : recv
  const [status, said] = does === administer ? administer(account, what, q) : does(account, q)
  response.writeHead(status).end(JSON.stringify(said))
})
server.keepAliveTimeout = 600_000 // a client's idle connection must not be closed under its next request
server.listen(0, '127.0.0.1', () => console.log(`toy listening on http://127.0.0.1:${server.address().port}`))
