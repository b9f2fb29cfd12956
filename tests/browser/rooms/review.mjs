// Deciding what waits for a decision, and phones enrolled from the console.
import assert from 'node:assert/strict';
import { headquarters, openCard, shoot, story, visitRoom } from '../harness/stage.mjs';

story('a proposal is accepted and a rival chosen: both disappear, here, in the count, and on another open page', 'chen', {}, async (page) => {
  const card = await page.context().newPage();
  await openCard(card, '惠民超市');
  assert.equal(await card.locator('.rivals').count(), 1);
  await visitRoom(page, '/review');
  await shoot(page, 'review');
  const proposal = page.getByRole('article', { name: '惠民超市: 客户等级' });
  assert.match(await proposal.innerText(), /A/);
  assert.match(await proposal.innerText(), /销量连续三个月增长/, 'with the reason given');
  const before = Number(await page.getByRole('navigation', { name: '主导航' }).locator('.mark').innerText());
  await proposal.getByRole('button', { name: '通过' }).click();
  await proposal.waitFor({ state: 'detached' });
  const rivals = page.getByRole('article', { name: /^惠民超市: / });
  await rivals.getByRole('button', { name: '选用: 人民路21号' }).click();
  await rivals.waitFor({ state: 'detached' });
  await page.waitForFunction((n) => Number(document.querySelector('nav .mark')?.textContent ?? 0) === n - 2, before);
  await card.locator('.rivals').waitFor({ state: 'detached' });
  await card.getByRole('group', { name: '地址', exact: true }).getByText('人民路21号').waitFor();
  await openCard(page, '惠民超市');
  assert.match(await page.locator('.head .title').innerText(), /^A/, 'the grade is set');
  const li = headquarters().phoneOf('li');
  await li('sync');
  assert.doesNotMatch(await li('show', '惠民超市'), /待裁决/, 'closed on the phone too');
});

story('an administrator enrols a phone from the console: the shown code works, once', 'admin', {}, async (page) => {
  const demo = headquarters();
  await visitRoom(page, '/accounts');
  await page.getByRole('row').filter({ hasText: '周婷' }).getByRole('button', { name: /登记新手机/ }).first().click();
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('img', { name: '登记二维码' }).waitFor();
  const code = (await sheet.getByLabel('登记码', { exact: true }).innerText()).trim();
  const said = await demo.newPhone('spare')('enroll', demo.origin, code, '--name', '备用机');
  assert.match(said, /周婷/);
  await assert.rejects(demo.newPhone('thief')('enroll', demo.origin, code), 'a code is good once');
  await page.keyboard.press('Escape');
  await page.reload();
  await page.getByText('备用机').waitFor();
});

story('a phone enrolled a moment ago is not called silent, and what was handed in is not called unsent', 'chen', {}, async (page) => {
  await visitRoom(page, '/overview');
  const phones = page.locator('section').filter({ has: page.getByRole('heading', { name: '手机同步情况' }) });
  await phones.getByText('备用机').waitFor();
  assert.equal(await page.locator('.missing').count(), 0);
  assert.equal(await phones.getByText('未上传').count(), 0);
  assert.match(await phones.innerText(), /所有手机都在 24 小时内联系过/);
});
