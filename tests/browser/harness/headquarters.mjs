// A real server with the demo's company in a folder of its own, and phones beside it. Never here: a browser.
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BINARY = process.env.ROADBOOK_SERVER ?? path.resolve(import.meta.dirname, '../../../target/debug/roadbook-server');
const READY_MS = 240_000;
const COMMAND_MS = 60_000;
const STOP_MS = 10_000;

/** The password of everybody in the demo. */
export const PASSWORD = 'roadbook-demo';

async function freePort() {
  const server = net.createServer();
  await new Promise((ok, no) => server.once('error', no).listen(0, '127.0.0.1', ok));
  const { port } = server.address();
  await new Promise((ok) => server.close(ok));
  return port;
}

/** Starts the demo and waits until its story is told and its console answers. */
export async function startDemo() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'roadbook-browser-'));
  const origin = `http://127.0.0.1:${await freePort()}`;
  const company = path.join(folder, 'company');
  const server = spawn(BINARY, ['demo', '--folder', company, '--listen', origin.slice('http://'.length)], { stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((ok) => server.once('close', ok));
  let said = '';
  const demo = {
    origin,
    company,
    said: () => said,
    /** The phone in a folder: `act(...)` is one call of `roadbook-server phone`, and gives what it printed. */
    phone(place) {
      return async (...words) => (await run(BINARY, ['phone', '--folder', place, ...words], { timeout: COMMAND_MS })).stdout;
    },
    /** The phone of a salesperson of the demo's story. */
    phoneOf: (login) => demo.phone(path.join(company, 'phones', login)),
    newPhone: (name) => demo.phone(path.join(folder, name)),
    /** A one-time code from the command line. */
    async code(login) {
      const { stdout } = await run(BINARY, ['enroll', '--data', path.join(company, 'headquarters'), login], { timeout: COMMAND_MS });
      return stdout;
    },
    /** Ends a phone from the command line: it may only hand in what it has, into quarantine. */
    async revoke(phone) {
      const [, device] = (await phone('status')).match(/device ([0-9a-f-]{36})/);
      await run(BINARY, ['device', 'revoke', device, '--data', path.join(company, 'headquarters')], { timeout: COMMAND_MS });
    },
    /** Headquarters last heard from a phone so many days before it really did. */
    async lastHeard(phone, days) {
      const [, device] = (await phone('status')).match(/device ([0-9a-f-]{36})/);
      const file = path.join(company, 'headquarters', 'server.sqlite');
      const earlier = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], timeout=20); n = c.execute('UPDATE device SET seen_ms = seen_ms - ? WHERE id = ?', (int(sys.argv[3]) * 86400000, bytes.fromhex(sys.argv[2]))).rowcount; c.commit(); sys.exit(n != 1)";
      await run('python3', ['-c', earlier, file, device.replaceAll('-', ''), String(days)], { timeout: COMMAND_MS });
    },
    /** A path for a file that a test makes. */
    file: (name) => path.join(folder, name),
    async stop() {
      server.kill('SIGINT');
      const forced = setTimeout(() => server.kill('SIGKILL'), STOP_MS);
      await ended;
      clearTimeout(forced);
      fs.rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    await new Promise((ok, no) => {
      const late = setTimeout(() => no(new Error(`the demo was not ready within ${READY_MS / 1000} s`)), READY_MS);
      const hear = (bytes) => {
        said += bytes;
        if (!said.includes(`Console: ${origin}`)) return;
        clearTimeout(late);
        ok();
      };
      server.stdout.setEncoding('utf8').on('data', hear);
      server.stderr.setEncoding('utf8').on('data', hear);
      server.once('error', no);
      ended.then((code) => no(new Error(`the demo ended with ${code} before it was ready`)));
    });
    const health = await fetch(`${origin}/health`);
    if (!health.ok) throw new Error(`/health answers ${health.status}`);
  } catch (error) {
    await demo.stop();
    throw new Error(`${error.message}\n${said}`);
  }
  return demo;
}
