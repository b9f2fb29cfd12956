// automerge-repo: a sync server with its storage on disk, and clients over websockets.
import fs from 'node:fs'
import path from 'node:path'
import * as A from '@automerge/automerge'
import { Repo } from '@automerge/automerge-repo'
import { WebSocketClientAdapter, WebSocketServerAdapter } from '@automerge/automerge-repo-network-websocket'
import { NodeFSStorageAdapter } from '@automerge/automerge-repo-storage-nodefs'
import { WebSocketServer } from 'ws'
import { CARDS_A_DEVICE, CHANGED_BY_OTHERS, EDITS, VISITS, cards, told, visit, write } from './corpus.mjs'

const [role, corpus, folder, port, devices] = process.argv.slice(2)
const made = cards(corpus)
const urls = path.join(folder, 'urls.json')
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const until = async (done) => { while (!(await done())) await pause(5) }

/** A document that its writer may not have announced yet, or that did not come within the time that the engine gives it. */
async function found(repo, url) {
  for (;;) {
    try {
      return await repo.find(url)
    } catch {
      await pause(20)
    }
  }
}

async function server() {
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await new Promise((resolve) => sockets.on('listening', resolve))
  const repo = new Repo({ network: [new WebSocketServerAdapter(sockets)], storage: new NodeFSStorageAdapter(path.join(folder, 'server')), sharePolicy: async () => false })
  const handles = made.map((card) => {
    let doc = A.init()
    for (const change of card.changes) doc = A.change(doc, (draft) => { for (const edit of change) write(draft, edit) })
    return repo.import(A.save(doc))
  })
  fs.writeFileSync(urls, JSON.stringify(handles.map((handle) => handle.url)))
  told.say({ port: sockets.address().port })
  for (;;) {
    const { edit, expect } = await told.hear()
    if (edit) {
      for (let n = 0; n < edit; n += 1) handles[handles.length - 1 - n].change((draft) => { draft.byOthers = '改' })
    }
    for (const url of expect ?? []) {
      const handle = await found(repo, url)
      await until(() => handle.doc()?.ready === 'today')
    }
    told.say({})
  }
}

function connected() {
  const adapter = new WebSocketClientAdapter(`ws://127.0.0.1:${port}`)
  return { adapter, repo: new Repo({ network: [adapter], sharePolicy: async () => true }) }
}

/** A day: new documents, and edits of known ones; their addresses. */
async function day(repo, known) {
  const written = []
  for (let n = 0; n < VISITS; n += 1) written.push(repo.create({ ...visit(n), ready: 'today' }).url)
  for (const url of known.slice(0, EDITS)) {
    const handle = await found(repo, url)
    handle.change((draft) => { draft.ready = 'today'; draft.headcount = 7 })
    written.push(url)
  }
  return written
}

async function client() {
  const all = JSON.parse(fs.readFileSync(urls, 'utf8'))
  const { adapter, repo } = connected()
  await told.phase('W1', async () => {
    const handles = await Promise.all(all.map((url) => found(repo, url)))
    await until(() => handles.every((handle) => handle.isReady()))
  })
  const changed = all.slice(-CHANGED_BY_OTHERS)
  adapter.disconnect()
  await pause(200)
  const written = await day(repo, all)
  await told.ask({ server: { edit: changed.length } })
  await told.phase('W2', async () => {
    adapter.connect(repo.peerId, {})
    const handles = await Promise.all(changed.map((url) => found(repo, url)))
    await until(() => handles.every((handle) => handle.doc()?.byOthers === '改'))
    await told.ask({ server: { expect: written } })
  })
  await pause(1500)
  adapter.disconnect()
  await pause(200)
  await told.phase('W3', async () => {
    adapter.connect(repo.peerId, {})
    await pause(3000)
  })
  adapter.disconnect()
  const many = []
  for (let n = 0; n < Number(devices); n += 1) {
    const one = connected()
    const known = Array.from({ length: CARDS_A_DEVICE }, (_, at) => all[(n * CARDS_A_DEVICE + at) % all.length])
    await Promise.all(known.map((url) => found(one.repo, url)))
    one.adapter.disconnect()
    many.push({ ...one, known })
  }
  for (const one of many) one.written = await day(one.repo, one.known)
  await told.phase('W4', async () => {
    const begin = performance.now()
    for (const one of many) one.adapter.connect(one.repo.peerId, {})
    await told.ask({ server: { expect: many.flatMap((one) => one.written) } })
    return { rate: many.length / ((performance.now() - begin) / 1000) }
  })
  process.exit(0)
}

await (role === 'server' ? server() : client())
