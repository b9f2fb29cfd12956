// PouchDB: express-pouchdb over LevelDB, and PouchDB clients over LevelDB.
import path from 'node:path'
import express from 'express'
import expressPouch from 'express-pouchdb'
import PouchDB from 'pouchdb'
import { CARDS_A_DEVICE, CHANGED_BY_OTHERS, EDITS, VISITS, cards, plain, told, visit } from './corpus.mjs'

const [role, corpus, folder, port, devices] = process.argv.slice(2)
const made = cards(corpus)

async function server() {
  const Served = PouchDB.defaults({ prefix: `${path.join(folder, 'server')}-` })
  const app = express()
  app.use('/', expressPouch(Served, { mode: 'minimumForPouchDB', logPath: path.join(folder, 'log'), inMemoryConfig: true }))
  const book = new Served('book')
  for (let at = 0; at < made.length; at += 500) await book.bulkDocs(made.slice(at, at + 500).map((card) => ({ _id: card.id, ...plain(card) })))
  const listening = app.listen(0, '127.0.0.1', () => told.say({ port: listening.address().port }))
  for (;;) {
    const { edit } = await told.hear()
    for (const card of made.slice(-(edit ?? 0))) await book.put({ ...(await book.get(card.id)), byOthers: '改' })
    told.say({})
  }
}

async function day(local, ids, tag) {
  await local.bulkDocs(Array.from({ length: VISITS }, (_, n) => ({ _id: `visit-${tag}-${n}`, ...visit(n) })))
  for (const id of ids.slice(0, EDITS)) await local.put({ ...(await local.get(id)), headcount: 7, by: tag })
}

async function client() {
  const remote = () => new PouchDB(`http://127.0.0.1:${port}/book`, { skip_setup: true })
  const here = (name) => new PouchDB(path.join(folder, name))
  const local = here('phone')
  await told.phase('W1', async () => { await PouchDB.replicate(remote(), local) })
  await day(local, made.map((card) => card.id), 'phone')
  await told.ask({ server: { edit: CHANGED_BY_OTHERS } })
  await told.phase('W2', async () => { await PouchDB.sync(local, remote()) })
  await told.phase('W3', async () => { await PouchDB.sync(local, remote()) })
  const many = []
  for (let n = 0; n < Number(devices); n += 1) {
    const one = here(`device-${n}`)
    const ids = Array.from({ length: CARDS_A_DEVICE }, (_, at) => made[(n * CARDS_A_DEVICE + at) % made.length].id)
    await PouchDB.replicate(remote(), one, { doc_ids: ids })
    await day(one, ids, `device-${n}`)
    many.push(one)
  }
  await told.phase('W4', async () => {
    const begin = performance.now()
    await Promise.all(many.map((one) => PouchDB.replicate(one, remote())))
    return { rate: many.length / ((performance.now() - begin) / 1000) }
  })
  process.exit(0)
}

await (role === 'server' ? server() : client())
