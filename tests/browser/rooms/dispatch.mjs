// Planning and publishing a tour.
import assert from 'node:assert/strict';
import { headquarters, settled, shoot, story, visitRoom } from '../harness/stage.mjs';

const names = (page) => page.locator('.stops [data-open] .name').allInnerTexts();

story('choose customers, sequence, re-order by keyboard, publish; the phone then has that order', 'zhao', {}, async (page) => {
  const demo = headquarters();
  const phone = demo.newPhone('zhou');
  const code = (await demo.code('zhou')).match(/[0-9A-Z]{4,}(?:-[0-9A-Z]{4,})*/)[0];
  await phone('enroll', demo.origin, code, '--name', '周婷的手机');
  await visitRoom(page, '/dispatch');
  await page.getByRole('group', { name: '选择销售员' }).getByRole('button', { name: /周婷/ }).click();
  await page.getByText('还没有站点').waitFor();
  const pick = page.getByRole('list', { name: '挑选客户' });
  for (let n = 0; n < 5; n += 1) await pick.getByRole('button', { name: /^加入/ }).and(page.locator(':enabled')).first().click();
  assert.equal((await names(page)).length, 5);
  await page.getByText('有未发布的改动').waitFor();
  await page.getByRole('button', { name: '优化顺序' }).click();
  await page.getByText(/公里/).waitFor();
  await page.getByRole('button', { name: '优化顺序' }).and(page.locator(':enabled')).waitFor();
  const sequenced = await names(page);
  assert.equal(sequenced.length, 5);
  const grip = page.locator('.stops [data-open] .grip');
  await grip.nth(3).focus();
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  const expected = [sequenced[0], sequenced[3], sequenced[1], sequenced[2], sequenced[4]];
  assert.deepEqual(await names(page), expected, 'two places up');
  assert.match(await page.locator(':focus').getAttribute('aria-label'), new RegExp(`^${sequenced[3]}`), 'the focus goes with the stop');
  await page.getByText(`${sequenced[3]} 已移到第 2 站，共 5 站`).waitFor({ state: 'attached' });
  await page.getByRole('button', { name: '发布', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.getByText('已发布第 1 版').waitFor();
  assert.deepEqual(await names(page), expected, 'published as it stood');
  assert.equal(await page.getByText('有未发布的改动').count(), 0);
  await page.getByText('尚未收到').waitFor();
  await phone('sync');
  const tour = await phone('tour');
  assert.deepEqual(expected.filter((name) => tour.includes(name)), expected, tour);
  assert.deepEqual([...expected].sort((a, b) => tour.indexOf(a) - tour.indexOf(b)), expected, 'the same order on the phone');
  await phone('sync');
  await page.getByText('已收到第 1 版').waitFor();
  await page.getByText(/销售员 .*已确认/).waitFor();
  await shoot(page, 'dispatch');
  await page.reload();
  await settled(page);
  assert.deepEqual(await names(page), expected, 'and after a reload');
});

story('a stop is dragged by its handle, and discarding brings the published order back', 'zhao', {}, async (page) => {
  await visitRoom(page, '/dispatch');
  await page.getByRole('group', { name: '选择销售员' }).getByRole('button', { name: /刘洋/ }).click();
  await page.locator('.stops [data-open]').nth(3).waitFor();
  const before = await names(page);
  const grip = page.locator('.stops [data-open] .grip');
  const from = await grip.nth(0).boundingBox();
  const to = await grip.nth(2).boundingBox();
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(to.x + to.width / 2, to.y + to.height / 2 + 4, { steps: 8 });
  await page.mouse.up();
  assert.deepEqual(await names(page), [before[1], before[2], before[0], ...before.slice(3)]);
  await page.getByRole('button', { name: '放弃改动' }).click();
  assert.deepEqual(await names(page), before);
});
