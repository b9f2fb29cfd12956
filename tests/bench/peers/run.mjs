// Starts each peer's server and client, counts at the socket between them, reads the server's CPU time and memory, prints a table.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { line } from './line.mjs'

const [out, cards, devices, ...peers] = process.argv.slice(2)
const corpus = path.join(out, 'corpus.jsonl')
const rows = []

// What each peer leaves out, so that nobody reads its figures as those of the same work.
const LACKS = {
  roadbook: 'signatures, rights per document, the gate, fsync, field merge with history: all on',
  'automerge-repo': 'no rights, no check of what comes in, no fsync; field merge with history',
  pouchdb: 'no rights, JSON revisions: no field merge (a later writer wins, conflicts stay aside), no history in what is sent; what is there is found by id, an index for lists would be made afterwards',
  samod: 'no rights, no check of what comes in; storage in memory; field merge with history',
}

const programs = {
  'automerge-repo': (role, args) => ['node', ['automerge-repo.mjs', role, ...args]],
  pouchdb: (role, args) => ['node', ['pouchdb.mjs', role, ...args]],
  samod: (role, args) => [path.join(out, 'samod/release/roadbook-peer-samod'), [role, ...args]],
}

/** A figure is told as soon as it is there: a peer may not come to its end. */
function took(row) {
  rows.push(row)
  console.error(shown(row))
}

function start([program, args]) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  let buffer = ''
  const inbox = []
  const waiting = []
  child.stdout.on('data', (bytes) => {
    buffer += bytes
    for (let at = buffer.indexOf('\n'); at >= 0; at = buffer.indexOf('\n')) {
      const text = buffer.slice(0, at)
      buffer = buffer.slice(at + 1)
      if (!text.startsWith('{')) continue
      const taker = waiting.shift()
      if (taker) taker(JSON.parse(text)); else inbox.push(JSON.parse(text))
    }
  })
  child.on('exit', () => { for (const taker of waiting.splice(0)) taker({ exit: true }) })
  return {
    child,
    hear: () => inbox.length ? Promise.resolve(inbox.shift()) : new Promise((resolve) => waiting.push(resolve)),
    say: (message) => child.stdin.write(`${JSON.stringify(message)}\n`),
  }
}

function used(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').pop().split(' ')
  const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8')
  return { cpu: (Number(stat[11]) + Number(stat[12])) / 100, mb: Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)[1]) / 1024) }
}

async function measure(peer) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), `peer-${peer}-`))
  const server = start(programs[peer]('server', [corpus, folder]))
  const { port } = await server.hear()
  const proxy = await line(port)
  const client = start(programs[peer]('client', [corpus, folder, String(proxy.port), devices]))
  let begin
  for (;;) {
    const message = await client.hear()
    if (message.exit) break
    if (message.server) {
      server.say(message.server)
      const answer = await server.hear()
      if (answer.exit) { client.child.kill(); throw new Error(`${peer}: its server ended`) }
      client.say(answer)
    } else if (message.begin) {
      proxy.reset()
      begin = used(server.child.pid)
      client.say({})
    } else {
      const { up, down, turns } = proxy.counted()
      const now = used(server.child.pid)
      took({ peer, phase: message.end, seconds: message.seconds, up, down, turns, cpu: now.cpu - begin.cpu, mb: now.mb, rate: message.rate })
      client.say({})
    }
  }
  server.child.kill()
  proxy.close()
  fs.rmSync(folder, { recursive: true, force: true })
}

async function ours() {
  const bench = spawn('cargo', ['bench', '--quiet', '--locked', '-p', 'roadbook-tests', '--bench', 'peers', '--', 'run', cards, devices], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  bench.stdout.on('data', (bytes) => { text += bytes })
  await new Promise((resolve) => bench.on('exit', resolve))
  for (const row of text.split('\n').filter((row) => row.startsWith('{'))) took({ peer: 'roadbook', ...JSON.parse(row) })
}

for (const peer of peers) await (peer === 'roadbook' ? ours() : measure(peer))

function shown(row) {
  const counted = [`${row.seconds.toFixed(2)} s`.padStart(10), `${row.down} B`.padStart(11), `${row.up} B`.padStart(11), String(row.turns ?? '').padStart(6)]
  const server = [`${row.cpu.toFixed(2)} s`.padStart(9), `${row.mb} MB`.padStart(8), row.rate ? `${row.rate.toFixed(1)} devices/s` : '']
  return [row.peer.padEnd(15), row.phase.padEnd(9), ...counted, ...server].join('  ')
}

console.log(`${cards} cards, ${devices} devices; W1 first sync: all is on the device (opened: lists and search too), W2 a day offline, W3 nothing new, W4 many devices at once`)
console.log('peer             phase          time        down         up   turns  server CPU  memory')
for (const row of [...rows].sort((a, b) => a.phase.localeCompare(b.phase))) console.log(shown(row))
for (const peer of peers) console.log(`${peer}: ${LACKS[peer]}`)
fs.writeFileSync(path.join(out, 'figures.json'), JSON.stringify(rows, null, 1))
