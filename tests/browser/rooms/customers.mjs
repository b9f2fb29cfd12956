// The list: searching and narrowing.
import assert from 'node:assert/strict';
import { settled, story, visitRoom } from '../harness/stage.mjs';

const count = async (page) => Number((await page.locator('.page-head [role=status]').innerText()).replaceAll(/\D/g, ''));
const found = (page) => page.getByRole('table', { name: '客户列表' }).getByRole('link');

/** Waits for the list to say another number than before, or for `wanted`. */
async function countBecomes(page, judge) {
  await page.waitForFunction(() => document.querySelector('[aria-busy=true]') === null);
  const until = Date.now() + 15_000;
  let last = await count(page);
  while (!judge(last) && Date.now() < until) {
    await page.waitForTimeout(50);
    last = await count(page);
  }
  assert.equal(judge(last), true, `the list says ${last}`);
  return last;
}

story('惠民, hm and huimin find 惠民超市; nonsense finds nothing and says so', 'zhao', {}, async (page) => {
  await visitRoom(page, '/customers');
  const all = await count(page);
  assert.equal(all, 332, 'the imported list, but for the one shop outside all territories');
  // Others sound alike, so only the name itself puts it first.
  for (const [words, first] of [['惠民', true], ['hm', false], ['huimin', true], ['惠民超市', true]]) {
    await page.getByLabel('搜索客户').fill(words);
    await countBecomes(page, (n) => n > 0 && n < all);
    await found(page).filter({ hasText: /^惠民超市$/ }).waitFor();
    if (first) assert.equal(await found(page).first().innerText(), '惠民超市', `${words}: the best match is first`);
    await page.getByLabel('搜索客户').fill('');
    await countBecomes(page, (n) => n === all);
  }
  await page.getByLabel('搜索客户').fill('没有这家店xyz');
  await page.getByText('没有符合条件的客户').waitFor();
});

story('by territory and grade, kept in the address; markup in the question stays text', 'zhao', {}, async (page) => {
  await visitRoom(page, '/customers');
  const all = await count(page);
  await page.getByLabel('区域').selectOption({ label: '城东' });
  const east = await countBecomes(page, (n) => n > 0 && n < all);
  await page.getByLabel('等级').selectOption('A');
  const best = await countBecomes(page, (n) => n > 0 && n < east);
  const lines = page.getByRole('table', { name: '客户列表' }).locator('[role=row][data-index]');
  for (const line of (await lines.all()).slice(0, 5)) {
    assert.equal(await line.getByRole('cell').nth(1).innerText(), 'A');
    assert.equal(await line.getByRole('cell').nth(3).innerText(), '城东');
  }
  await page.reload();
  await settled(page);
  assert.equal(await count(page), best, 'a reload brings the same list');
  await page.getByRole('button', { name: '清除筛选' }).click();
  await countBecomes(page, (n) => n === all);
  await page.getByLabel('搜索客户').fill('<img src=x onerror=alert(1)>');
  await page.getByText('没有符合条件的客户').waitFor();
});

story('down the list by arrow keys and into a card by Enter', 'zhao', {}, async (page) => {
  await visitRoom(page, '/customers');
  const second = await found(page).nth(1).innerText();
  await found(page).first().focus();
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.locator(':focus').innerText(), second);
  for (let n = 0; n < 40; n += 1) await page.keyboard.press('ArrowDown');
  assert.equal(await page.locator(':focus').evaluate((link) => link.closest('[data-index]').dataset.index), '41', 'the list follows the cursor');
  const name = await page.locator(':focus').innerText();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name }).waitFor();
});
