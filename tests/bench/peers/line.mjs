// A TCP proxy that counts bytes of either direction and the turns of the line: how often the client spoke after the server did.
import net from 'node:net'

export function line(port) {
  const counted = { up: 0, down: 0, turns: 0, last: 'server' }
  const server = net.createServer((client) => {
    const far = net.connect(port, '127.0.0.1')
    client.setNoDelay(true)
    far.setNoDelay(true)
    client.on('data', (bytes) => {
      counted.up += bytes.length
      if (counted.last !== 'client') counted.turns += 1
      counted.last = 'client'
      far.write(bytes)
    })
    far.on('data', (bytes) => {
      counted.down += bytes.length
      counted.last = 'server'
      client.write(bytes)
    })
    const end = () => { client.destroy(); far.destroy() }
    for (const socket of [client, far]) socket.on('close', end).on('error', end)
  })
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve({
    port: server.address().port,
    reset: () => Object.assign(counted, { up: 0, down: 0, turns: 0, last: 'server' }),
    counted: () => ({ ...counted }),
    close: () => server.close(),
  })))
}
