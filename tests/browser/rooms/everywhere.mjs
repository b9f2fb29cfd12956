// What holds on every page: accessible, in both languages, light and dark, on a desk and on a phone.
import assert from 'node:assert/strict';
import { accessible, fits } from '../harness/axe.mjs';
import { headquarters, PHONE, settled, shoot, story, visitRoom } from '../harness/stage.mjs';

const HAN = /[一-鿿]/;

async function cardAddress() {
  const [line] = (await headquarters().phoneOf('wang')('search', '惠民超市')).split('\n');
  return `/customers/${line.split(' ')[0]}`;
}

/** Every page of a manager's; the administrator has one more. */
const pages = async () => [['list', '/customers'], ['nothing-found', '/customers?q=nothing-at-all'], ['card', await cardAddress()], ['visits', '/visits'], ['dispatch', '/dispatch'], ['overview', '/overview'], ['review', '/review'], ['quarantine', '/quarantine'], ['transfer', '/transfer'], ['nowhere', '/no-such-page']];

async function everyPage(page, name, look) {
  const wrong = [];
  for (const [what, address] of await pages()) {
    await visitRoom(page, address);
    await shoot(page, `${name}-${what}`);
    await look(what).catch((error) => wrong.push(error.message));
  }
  assert.equal(wrong.length, 0, wrong.join('\n'));
}

for (const [name, options] of [
  ['light', {}],
  ['dark', { dark: true }],
  ['on a phone', { size: PHONE }],
]) {
  story(`every page is accessible: ${name}`, 'chen', options, async (page) => {
    await everyPage(page, name, (what) => accessible(page, what));
  });
  story(`the accounts are accessible: ${name}`, 'admin', options, async (page) => {
    await visitRoom(page, '/accounts');
    await shoot(page, `${name}-accounts`);
    await accessible(page, 'accounts');
    await fits(page, 'accounts');
    await page.getByRole('button', { name: '新建账号' }).click();
    await page.getByRole('dialog').waitFor();
    await accessible(page, 'a new account');
  });
}

story('the page of the log-in is accessible and fits a phone', null, { size: PHONE }, async (page) => {
  await page.goto('/login');
  await page.getByLabel('用户名').waitFor();
  await accessible(page, '/login');
  await fits(page, '/login');
});

story('what opens on a card is accessible: history, empty fields, editing', 'chen', {}, async (page) => {
  await visitRoom(page, await cardAddress());
  await page.getByRole('button', { name: /的历史$/ }).first().click();
  await page.getByRole('dialog').getByRole('listitem').first().waitFor();
  await accessible(page, 'history');
  await page.keyboard.press('Escape');
  const folded = page.getByRole('button', { name: /^显示 \d+ 个未填字段$/ });
  while ((await folded.count()) > 0) await folded.first().click();
  const edits = page.getByRole('button', { name: /^(修改|添加)/ });
  const count = await edits.count();
  for (let n = 0; n < Math.min(count, 6); n += 1) await edits.nth(0).click();
  await accessible(page, 'editing');
});

story('no page scrolls sideways on a phone of 375 px', 'chen', { size: PHONE }, async (page) => {
  await everyPage(page, 'narrow', (what) => fits(page, what));
});

story('Chinese and English: switched by a button, remembered, every label in the other tongue', 'chen', {}, async (page) => {
  await visitRoom(page, '/customers');
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { level: 1, name: 'Customers' }).waitFor();
  assert.match(await page.locator('html').getAttribute('lang'), /^en/);
  await page.reload();
  await settled(page);
  for (const [address, title] of [['/visits', 'Visits'], ['/dispatch', 'Dispatch'], ['/overview', 'Overview'], ['/review', 'Review'], ['/quarantine', 'Quarantine'], ['/transfer', 'Hand-over of customers']]) {
    await visitRoom(page, address);
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), title);
    const nav = await page.getByRole('navigation', { name: 'Main navigation' }).innerText();
    assert.doesNotMatch(nav, HAN);
  }
  await visitRoom(page, await cardAddress());
  const labels = await page.locator('.section h2, .section .frame .label, .section button').allInnerTexts();
  assert.deepEqual(labels.filter((label) => HAN.test(label)), [], 'labels of the card');
  await shoot(page, 'english-card');
  await page.getByRole('button', { name: '中文' }).click();
  await page.getByRole('region', { name: '基础资料', exact: true }).waitFor();
});

story('a browser that asks for English is spoken to in English', null, { language: 'en-GB' }, async (page) => {
  await page.goto('/login');
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
});

story('the watch that every test here stands under does notice', null, {}, async (page, watcher) => {
  await page.goto('/login');
  await page.getByLabel('用户名').waitFor();
  await page.evaluate(async () => {
    console.error('said aloud');
    setTimeout(() => { throw new Error('not caught'); });
    document.body.append(Object.assign(new Image(), { src: 'http://127.0.0.1:9/spy.gif' }));
    document.head.append(Object.assign(document.createElement('style'), { textContent: 'p{color:red}' }));
    await fetch('/api/no-such-thing').catch(() => undefined);
    await new Promise((ok) => setTimeout(ok, 300));
  });
  assert.throws(() => watcher.clean(), (error) => {
    const text = error.actual.join('\n');
    for (const sign of [/console error: said aloud/, /exception: .*not caught/, /policy: img-src.*127\.0\.0\.1:9/, /policy: style-src/, /answer: GET 4\d\d \/api\/no-such-thing/]) assert.match(text, sign);
    return true;
  });
});
