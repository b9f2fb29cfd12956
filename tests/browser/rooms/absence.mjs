// A phone that comes back after weeks: what it handed in, and what became of it (离线合并报告).
import assert from 'node:assert/strict';
import { accessible, fits } from '../harness/axe.mjs';
import { headquarters, openCard, PHONE, settled, shoot, story, visitRoom } from '../harness/stage.mjs';

const DAYS = 30;
const panel = (page) => page.getByRole('region', { name: '久未联系后归来的手机' });

story('a phone that was away for a month comes back, and a report tells what became of what it wrote', 'chen', {}, async (page) => {
  const demo = headquarters();
  const phone = demo.newPhone('long-away');
  await phone('enroll', demo.origin, (await demo.code('zhou')).match(/[0-9A-Z]{4,}(?:-[0-9A-Z]{4,})*/)[0], '--name', '久别的手机');
  await phone('sync');
  await visitRoom(page, '/overview');
  assert.equal(await panel(page).count(), 0, 'nobody was away');
  const [name, other] = (await phone('list')).split('\n').slice(0, 2).map((line) => line.split('  ').map((word) => word.trim())[2]);
  await phone('edit', name, 'problems', '离线期间记下的问题');
  await phone('edit', other, 'short_name', '离线简称');
  await phone('propose', other, 'grade', 'A');
  await demo.lastHeard(phone, DAYS);
  await phone('sync');

  await visitRoom(page, '/overview');
  const line = panel(page).getByRole('button', { name: new RegExp(`周婷：离线 ${DAYS} 天.*久别的手机`) });
  await line.waitFor();
  await accessible(page, 'the overview with somebody who came back');
  await line.click();
  const sheet = page.getByRole('dialog', { name: `周婷 · ${DAYS} 天离线合并报告` });
  await sheet.getByText('全部收到').waitFor();
  const told = (await sheet.innerText()).replaceAll(/\s+/g, ' ');
  assert.match(told, /客户档案卡 2 · 2 条修改/, told);
  assert.match(told, /提议 1 待定 1/, told);
  assert.match(told, /隔离 0/, told);
  for (const shop of [name, other]) await sheet.getByRole('link', { name: shop, exact: true }).waitFor();
  await accessible(page, 'the report of an absence');
  await shoot(page, 'absence');
  await sheet.getByRole('link', { name, exact: true }).click();
  await page.getByRole('heading', { level: 1, name }).waitFor();
  await page.getByText('离线期间记下的问题').waitFor();
  await openCard(page, other);
  await page.getByText('离线简称').first().waitFor();
});

story('the report of an absence in English, on a phone', 'chen', { size: PHONE }, async (page) => {
  await visitRoom(page, '/overview');
  await page.getByRole('button', { name: 'English' }).click();
  await settled(page);
  await page.getByRole('button', { name: new RegExp(`${DAYS} days`) }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('table').waitFor();
  await fits(page, 'the report of an absence on a phone');
  await accessible(page, 'the report of an absence on a phone');
  const words = await sheet.locator('dt, th, h2, .badge').allInnerTexts();
  assert.deepEqual(words.filter((word) => /[一-鿿]/.test(word)).map((word) => word.trim()).filter((word) => !word.includes('周婷')), []);
  await shoot(page, 'absence-narrow-english');
});
