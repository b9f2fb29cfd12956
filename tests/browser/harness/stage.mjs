// One demo and one browser for the whole suite; a session for each person, kept, so that nobody logs in twice.
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { PASSWORD, startDemo } from './headquarters.mjs';
import { watch } from './watch.mjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
const WAIT_MS = 20_000;
const TEST_MS = 120_000;
const SHOTS = process.env.ROADBOOK_SHOTS;

export const WIDE = { width: 1440, height: 900 };
export const PHONE = { width: 375, height: 720 };

let browser;
let demo;
const sessions = new Map();

before(async () => {
  [demo, browser] = await Promise.all([startDemo(), chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })]);
}, { timeout: 300_000 });

after(async () => {
  await browser?.close();
  await demo?.stop();
}, { timeout: 60_000 });

/** The server under test. */
export const headquarters = () => demo;

/** A window of its own: `options.size`, `options.language`, `options.state` (a kept session). */
async function openWindow({ size = WIDE, language = 'zh-CN', dark = false, state } = {}) {
  const context = await browser.newContext({ baseURL: demo.origin, viewport: size, locale: language, timezoneId: 'Asia/Shanghai', colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce', ...(state ? { storageState: state } : {}) });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  return { context, page, watcher: await watch(page, demo.origin) };
}

/** Logs in by the form and waits for the room that is theirs. */
async function logIn(page, login) {
  await page.goto('/login');
  await page.locator('input[name=username]').fill(login);
  await page.locator('input[name=password]').fill(PASSWORD);
  await page.locator('button[type=submit]').click();
  await page.waitForURL((url) => url.pathname !== '/login');
}

/**
 * A test with a page of its own, logged in as `who` (nobody when null), which must end without anything having gone wrong.
 */
export function story(name, who, options, act) {
  test(name, { timeout: TEST_MS }, async (t) => {
    const { context, page, watcher } = await openWindow({ ...options, state: who === null ? undefined : sessions.get(who) });
    try {
      if (who !== null && !sessions.has(who)) {
        await logIn(page, who);
        sessions.set(who, await context.storageState());
      }
      await act(page, watcher, t);
      watcher.clean();
    } catch (error) {
      await shoot(page, `failed-${name}`).catch(() => undefined);
      throw error;
    } finally {
      await context.close();
    }
  });
}

/** A picture for whoever looks, when a folder for them is named. */
export async function shoot(page, name) {
  if (SHOTS === undefined) return;
  fs.mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: path.join(SHOTS, `${name.replaceAll(/[^\p{L}\p{N}-]+/gu, '-')}.png`) });
}

/** Opens a room and waits until nothing is being loaded any more. */
export async function visitRoom(page, address) {
  await page.goto(address);
  await settled(page);
}

export async function settled(page) {
  await page.locator('main h1').first().waitFor();
  await page.waitForFunction(() => document.querySelector('.spin, [aria-busy=true]') === null && document.querySelector('.ghost') === null);
}

/** Finds a customer by words and opens the card. */
export async function openCard(page, name) {
  await visitRoom(page, `/customers?q=${encodeURIComponent(name)}`);
  await page.getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
}
