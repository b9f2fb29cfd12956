// The corpus as `cargo bench --bench peers -- export` writes it: one card a line, with what each of its changes writes, and with
// later edits. Here: reading it, and writing an edit into a plain object, as a peer's document.
import fs from 'node:fs'

export const VISITS = 40
export const EDITS = 25
export const CHANGED_BY_OTHERS = 100
export const CARDS_A_DEVICE = 70

export function cards(path) {
  return fs.readFileSync(path, 'utf8').split('\n').filter(Boolean).map((text) => JSON.parse(text))
}

/** Writes one edit of ours into a plain object (an Automerge proxy or JSON). */
export function write(doc, edit) {
  const part = (name) => (doc[name] ??= {}, doc[name])
  switch (edit.edit) {
    case 'assert': doc[edit.field] = edit.value; break
    case 'include': part(edit.field)[edit.element] = true; break
    case 'entry': part(edit.list)[edit.entry] = { ...part(edit.list)[edit.entry], ...edit.fields }; break
    case 'rewrite': doc[edit.field] = edit.text; break
    case 'splice': doc[edit.field] = edit.insert + (doc[edit.field] ?? ''); break
    default: throw new Error(`an edit that peers do not know: ${edit.edit}`)
  }
}

/** A card's state after all changes. */
export function plain(card) {
  const doc = {}
  for (const change of card.changes) for (const edit of change) write(doc, edit)
  return doc
}

/** What a visit writes. */
export function visit(n) {
  return { kind: 'visit', n, outcome: 'order', type: 'routine', at: Date.now(), feedback: '老板要求月底前补货,冷柜灯管坏了一根,需要报修。' }
}

/** Talking to run.mjs: a message out, its answer in. */
export const told = (() => {
  const waiting = []
  let buffer = ''
  process.stdin.on('data', (bytes) => {
    buffer += bytes
    for (let at = buffer.indexOf('\n'); at >= 0; at = buffer.indexOf('\n')) {
      const text = buffer.slice(0, at)
      buffer = buffer.slice(at + 1)
      const taker = waiting.shift()
      if (taker) taker(JSON.parse(text)); else inbox.push(JSON.parse(text))
    }
  })
  const inbox = []
  return {
    say: (message) => process.stdout.write(`${JSON.stringify(message)}\n`),
    hear: () => inbox.length ? Promise.resolve(inbox.shift()) : new Promise((resolve) => waiting.push(resolve)),
    async ask(message) { this.say(message); return this.hear() },
    /** Runs a phase between two marks, at which run.mjs reads the counters. */
    async phase(name, work) {
      await this.ask({ begin: name })
      const begin = performance.now()
      const more = await work()
      await this.ask({ end: name, seconds: (performance.now() - begin) / 1000, ...more })
    },
  }
})()
