// What a phone hands in after it was switched off: set aside, then decided at the desk.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { headquarters, openCard, shoot, story, visitRoom } from '../harness/stage.mjs';

/** What the phone wrote, by customer. */
const written = {};

story('what a switched-off phone hands in waits in the quarantine, in words, with who and why', 'chen', {}, async (page) => {
  const demo = headquarters();
  const phone = demo.newPhone('switched-off');
  await phone('enroll', demo.origin, (await demo.code('zhou')).match(/[0-9A-Z]{4,}(?:-[0-9A-Z]{4,})*/)[0], '--name', '旧手机');
  await phone('sync');
  const names = (await phone('list')).split('\n').slice(0, 3).map((line) => line.split('  ').map((word) => word.trim())[2]);
  for (const [n, name] of names.entries()) {
    written[name] = `停用后补写的第 ${n + 1} 条`;
    await phone('edit', name, 'problems', written[name]);
  }
  await demo.revoke(phone);
  await visitRoom(page, '/quarantine');
  await page.getByText('没有被搁置的修改').waitFor();
  await page.getByText('实时', { exact: true }).waitFor();
  await phone('sync');
  const group = page.locator('section').filter({ has: page.getByRole('heading', { name: /^旧手机/ }) });
  await group.waitFor();
  assert.equal(await group.getByRole('listitem').count(), 3);
  for (const [name, text] of Object.entries(written)) {
    const item = group.getByRole('listitem').filter({ hasText: name });
    assert.match(await item.innerText(), new RegExp(`此设备或账号已停用[\\s\\S]*${text}[\\s\\S]*周婷`));
  }
  assert.equal(await page.getByRole('navigation', { name: '主导航' }).getByRole('link', { name: /隔离区/ }).locator('.mark').innerText(), '3');
  await shoot(page, 'quarantine');
  await page.getByRole('button', { name: '按人员' }).click();
  await page.getByRole('heading', { name: /^周婷/ }).waitFor();
  await page.getByRole('button', { name: '按原因' }).click();
  await page.getByRole('heading', { name: /^此设备或账号已停用/ }).waitFor();
});

story('the desk is written out as files, with every byte that was refused', 'chen', {}, async (page) => {
  await visitRoom(page, '/quarantine');
  for (const [label, name, holds] of [
    ['导出 JSON', 'quarantine.json', (text) => JSON.parse(text).quarantine.length === 3],
    ['导出 CSV', 'quarantine.csv', (text) => text.trim().split('\n').length === 4],
  ]) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: label }).click()]);
    assert.equal(download.suggestedFilename(), name);
    const text = fs.readFileSync(await download.path(), 'utf8');
    assert.equal(holds(text), true, text.slice(0, 500));
  }
});

story('one is approved and stands on its card; one is rejected with a word to its author; the rest together', 'chen', {}, async (page) => {
  const [first, second, third] = Object.keys(written);
  await visitRoom(page, '/quarantine');
  const item = (name) => page.getByRole('listitem').filter({ hasText: name });
  await item(first).getByRole('button', { name: '准许', exact: true }).click();
  await item(first).waitFor({ state: 'detached' });
  await page.getByText('已准许 1 项').waitFor();
  await page.getByLabel('说明（作者会看到）').fill('请重新拜访后再写');
  await item(second).getByRole('button', { name: '驳回', exact: true }).click();
  await item(second).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: '全部驳回' }).click();
  await page.getByText('没有被搁置的修改').waitFor();
  const states = page.getByRole('group', { name: '状态' });
  await states.getByRole('button', { name: '已驳回' }).click();
  await item(second).getByText('请重新拜访后再写').waitFor();
  await item(third).waitFor();
  assert.equal(await item(first).count(), 0);
  await openCard(page, first);
  await page.getByText(written[first]).waitFor();
  await openCard(page, second);
  assert.equal(await page.getByText(written[second]).count(), 0, 'what is rejected stands nowhere');
});
