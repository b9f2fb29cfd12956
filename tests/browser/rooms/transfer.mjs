// Customers of somebody who leaves: planned with a checklist a card, handed over, and on the other's phone.
import assert from 'node:assert/strict';
import { accessible, fits } from '../harness/axe.mjs';
import { headquarters, PHONE, settled, shoot, story, visitRoom } from '../harness/stage.mjs';

const rows = (page) => page.getByRole('region', { name: '移交清单' }).locator('tbody tr');

story('a leaver\'s customers go to one person, one to the pool, one stays; the taker\'s phone then has them', 'chen', {}, async (page) => {
  const demo = headquarters();
  await visitRoom(page, '/transfer');
  await page.getByText('还没有移交记录').waitFor();
  await page.getByLabel('移交人').selectOption({ label: '刘洋' });
  await rows(page).first().waitFor();
  const count = await rows(page).count();
  assert.equal(count > 5, true, `${count} customers`);
  assert.match(await page.getByRole('region', { name: '移交清单' }).innerText(), /1 个计划站点随之移交/, 'stops of today\'s tour are named');
  await page.getByRole('button', { name: `移交 ${count} 家` }).waitFor();
  await page.getByLabel('接手人').selectOption({ label: '李强' });
  const [own, pooled, kept] = await Promise.all([0, 1, 2].map((n) => rows(page).nth(n).getByRole('link').innerText()));
  await rows(page).nth(1).getByRole('combobox').selectOption({ label: '公共池（无负责人）' });
  await rows(page).nth(2).getByRole('combobox').selectOption({ label: '暂不移交' });
  await accessible(page, 'the checklist of a hand-over');
  await shoot(page, 'transfer');
  await page.getByRole('button', { name: `移交 ${count - 1} 家` }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByText(`李强 ${count - 2} 家`).waitFor();
  await sheet.getByText('公共池（无负责人） 1 家').waitFor();
  await accessible(page, 'the question before a hand-over');
  await sheet.getByRole('button', { name: '确认移交' }).click();
  await page.getByText(`已移交 ${count - 1} 家`).waitFor();
  const record = page.locator('details').first();
  assert.match(await record.locator('summary').innerText(), new RegExp(`刘洋 → 李强 ${count - 2} 家 · 公共池（无负责人） 1 家.*陈刚`));
  await record.locator('summary').click();
  await record.getByRole('link', { name: own, exact: true }).waitFor();
  await shoot(page, 'transferred');
  // What stayed is all that is left, and the one who took over finds his own.
  await page.getByLabel('移交人').selectOption({ label: '刘洋' });
  await rows(page).first().waitFor();
  assert.deepEqual([await rows(page).count(), await rows(page).first().getByRole('link').innerText()], [1, kept]);
  const li = demo.phoneOf('li');
  await li('sync');
  assert.match(await li('search', own), new RegExp(own));
  await visitRoom(page, `/customers?q=${encodeURIComponent(own)}`);
  assert.match(await page.getByRole('row').filter({ hasText: own }).innerText(), /李强/);
  await visitRoom(page, `/customers?q=${encodeURIComponent(pooled)}`);
  assert.doesNotMatch(await page.getByRole('row').filter({ hasText: pooled }).innerText(), /刘洋|李强/);
});

story('somebody with nothing to hand over', 'zhao', {}, async (page) => {
  await visitRoom(page, '/transfer');
  await page.getByLabel('移交人').selectOption({ label: '孙丽' });
  await page.getByText('此人名下没有可移交的客户').waitFor();
  assert.equal(await page.getByRole('button', { name: /^移交 0 家/ }).isDisabled(), true);
});

story('the hand-over in English, on a phone', 'chen', { size: PHONE }, async (page) => {
  await visitRoom(page, '/transfer');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { level: 1, name: 'Hand-over of customers' }).waitFor();
  await page.getByLabel('Handed over by').selectOption({ label: '王芳' });
  await settled(page);
  await page.getByRole('region', { name: 'Checklist of the hand-over' }).waitFor();
  await fits(page, 'the hand-over on a phone');
  await accessible(page, 'the hand-over on a phone');
  const words = await page.locator('.who label span, .who button, thead th, .check .badge').allInnerTexts();
  assert.deepEqual(words.filter((word) => /[一-鿿]/.test(word)), []);
  await shoot(page, 'transfer-narrow-english');
});
