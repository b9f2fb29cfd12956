// The customer card: what it shows of the demo's story, and changing it.
import assert from 'node:assert/strict';
import path from 'node:path';
import { accessible } from '../harness/axe.mjs';
import { headquarters, openCard, shoot, story } from '../harness/stage.mjs';

const SECTIONS = ['基础资料', '客户特征', '业务状况', '交易活动现状'];

story('four sections, provenance, the two rival addresses, and the history of a field', 'chen', {}, async (page) => {
  await openCard(page, '惠民超市');
  for (const label of SECTIONS) await page.getByRole('region', { name: label, exact: true }).waitFor();
  const basics = page.getByRole('region', { name: '基础资料', exact: true });
  const address = basics.getByRole('group', { name: '地址', exact: true });
  const rivals = address.locator('.rivals li');
  assert.equal(await rivals.count(), 2, 'both addresses are kept');
  const texts = await rivals.allInnerTexts();
  assert.equal(texts.some((text) => text.includes('人民路12号') && text.includes('王芳')), true, '王芳 wrote one');
  assert.equal(texts.some((text) => text.includes('人民路21号') && text.includes('李强')), true, '李强 wrote the other');
  const phones = basics.getByRole('group', { name: '电话', exact: true });
  assert.match(await phones.innerText(), /139-0000-1111/);
  assert.match(await phones.locator('.provenance').first().innerText(), /\S+ · /, 'who, by what way, when');
  await page.getByRole('region', { name: '交易活动现状', exact: true }).getByText('上月两次拖欠货款').waitFor();
  await shoot(page, 'card');
  if (process.env.ROADBOOK_SCREENSHOT) {
    await page.mouse.move(0, 0);
    await page.screenshot({ path: path.resolve(import.meta.dirname, '../../../sync-server/console/screenshot.png') });
  }
  await basics.getByRole('group', { name: '名称', exact: true }).getByRole('button', { name: /的历史$/ }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('listitem').first().waitFor();
  assert.match(await sheet.getByRole('listitem').first().innerText(), /惠民超市/);
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });
  assert.match(await page.locator(':focus').getAttribute('aria-label'), /的历史$/, 'the focus is back where it was');
});

story('the history of a text names who wrote in it', 'chen', {}, async (page) => {
  await openCard(page, '惠民超市');
  const problems = page.getByRole('group', { name: '存在的问题', exact: true }).filter({ hasText: '上月两次拖欠货款' });
  await problems.getByRole('button', { name: /的历史$/ }).click();
  const line = page.getByRole('dialog').getByRole('listitem').first();
  await line.waitFor();
  assert.match(await line.innerText(), /李强/);
  await accessible(page, 'history of a text');
});

story('a fact is changed in place by keyboard; its history then shows both values', 'sun', {}, async (page) => {
  await openCard(page, '福悦超市');
  const name = page.getByRole('region', { name: '基础资料', exact: true }).getByRole('group', { name: '名称', exact: true });
  await name.getByRole('button', { name: /^修改/ }).focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement?.matches('.edit input'));
  await page.keyboard.press('Escape');
  await name.getByRole('button', { name: /^修改/ }).click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.type('福悦生鲜超市 <b>店</b>');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: '福悦生鲜超市 <b>店</b>' }).waitFor();
  assert.match(await name.locator('.provenance').first().innerText(), /孙丽/);
  await name.getByRole('button', { name: /的历史$/ }).click();
  const lines = page.getByRole('dialog').getByRole('listitem');
  await lines.nth(1).waitFor();
  assert.match(await lines.nth(0).innerText(), /福悦生鲜超市 <b>店<\/b>/);
  assert.match(await lines.nth(1).innerText(), /福悦超市/);
});

story('a name that is far too long is refused with a reason, and what was typed stays', 'sun', {}, async (page, watcher) => {
  const [line] = (await headquarters().phoneOf('wang')('search', '瑞昌批发部')).split('\n');
  const [id] = line.split(' ');
  watcher.excuse(`422 /api/customers/${id}/edits`);
  watcher.excuse(`400 /api/customers/${id}/edits`);
  await page.goto(`/customers/${id}`);
  const name = page.getByRole('region', { name: '基础资料', exact: true }).getByRole('group', { name: '名称', exact: true });
  await name.getByRole('button', { name: /^修改/ }).click();
  const box = name.locator('.edit input').first();
  await box.evaluate((input) => input.removeAttribute('maxlength'));
  await box.fill('长'.repeat(5000));
  await page.keyboard.press('Enter');
  const toast = page.locator('.toast.failed');
  await toast.waitFor();
  assert.match(await toast.innerText(), /[一-鿿]{4}/, 'said in Chinese');
  assert.equal((await box.inputValue()).length, 5000, 'what was typed is still there');
  await page.keyboard.press('Escape');
  assert.match(await name.innerText(), /瑞昌批发部/);
});
