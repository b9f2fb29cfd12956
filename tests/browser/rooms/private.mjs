// What few may know, on the card: traits of people and the credit file, for who may see them; erasing for good.
import assert from 'node:assert/strict';
import { accessible } from '../harness/axe.mjs';
import { headquarters, shoot, story } from '../harness/stage.mjs';

const SHOP = '福悦生鲜超市 <b>店</b>';
const BOSS = '张福悦';
const TRAIT = '喜欢钓鱼,女儿在读大学';

const persons = (page) => page.getByRole('region', { name: '人员个性资料', exact: true });
const credit = (page) => page.getByRole('region', { name: '客户信用档案', exact: true });

/** The card of the shop that an earlier story gave a new name. */
async function openShop(page) {
  const [line] = (await headquarters().phoneOf('wang')('search', '福悦')).split('\n');
  await page.goto(`/customers/${line.split(' ')[0]}`);
  await page.getByRole('heading', { level: 1, name: SHOP }).waitFor();
}

/** Writes one field in place. */
async function write(region, field, act) {
  const group = region.getByRole('group', { name: field, exact: true });
  await group.getByRole('button', { name: `修改${field}`, exact: true }).click();
  await act(group.getByLabel(field, { exact: true }).first(), group);
  await group.getByRole('button', { name: '保存', exact: true }).click();
  await group.getByRole('button', { name: `修改${field}`, exact: true }).waitFor();
}

story('traits of a person are written on the card by a manager, and erased for good with who asked and why', 'chen', {}, async (page) => {
  await openShop(page);
  const basics = page.getByRole('region', { name: '基础资料', exact: true });
  const people = basics.getByRole('group', { name: '所有者、经营管理者、法人', exact: true });
  if (!(await people.isVisible())) await basics.getByRole('button', { name: /未填字段$/ }).click();
  await people.getByRole('button', { name: /^添加/ }).click();
  await people.getByLabel('姓名', { exact: true }).fill(BOSS);
  await people.getByRole('button', { name: '保存', exact: true }).click();
  const boss = persons(page).getByRole('article', { name: BOSS });
  await boss.waitFor();
  await boss.getByRole('button', { name: '填写', exact: true }).click();
  await write(boss, '嗜好', (box) => box.fill(TRAIT));
  await write(boss, '保存至', (box) => box.fill('2020-12-31'));
  await boss.getByText('已过保存期限').waitFor();
  assert.match(await boss.getByRole('group', { name: '嗜好', exact: true }).innerText(), new RegExp(TRAIT));
  await shoot(page, 'persons');
  await accessible(page, 'the card with traits');

  await boss.getByRole('button', { name: '删除资料', exact: true }).click();
  const sheet = page.getByRole('dialog');
  const erase = sheet.getByRole('button', { name: '彻底删除', exact: true });
  assert.equal(await erase.isDisabled(), true, 'nothing is erased by one click');
  await sheet.getByLabel('由谁提出', { exact: true }).fill('张福悦本人');
  await sheet.getByLabel('原因', { exact: true }).fill('不再合作');
  assert.equal(await erase.isDisabled(), true, 'not before somebody has checked who asks');
  await sheet.getByLabel('我已核实提出人，确认删除', { exact: true }).check();
  await accessible(page, 'the demand for erasure');
  await erase.click();
  await sheet.waitFor({ state: 'detached' });
  const told = await boss.innerText();
  assert.match(told, /提出人：张福悦本人；原因：不再合作；经办：陈刚/);
  assert.equal(told.includes(TRAIT), false);
  assert.equal(await boss.getByRole('button').count(), 0, 'there is nothing left to change');
  await page.reload();
  await boss.waitFor();
  assert.equal((await page.locator('body').innerText()).includes(TRAIT), false);
});

story('the credit file is kept by finance; what was observed stands beside it', 'kuai', {}, async (page) => {
  await openShop(page);
  const file = credit(page);
  assert.equal(await persons(page).count(), 0, 'finance sees no traits');
  await write(file, '信用等级', (box) => box.selectOption('5'));
  const problems = file.getByRole('group', { name: '以往信用问题', exact: true });
  await problems.getByRole('button', { name: /^添加/ }).click();
  await problems.getByLabel('经过', { exact: true }).fill('拖欠两个月');
  await problems.getByRole('button', { name: '保存', exact: true }).click();
  await problems.getByText('拖欠两个月').waitFor();
  await file.getByText('暂停供货').first().waitFor();
  const note = page.getByRole('region', { name: '信用', exact: true });
  await note.getByLabel('我观察到的信用情况', { exact: true }).fill('门口有人催债');
  await note.getByRole('button', { name: '提交', exact: true }).click();
  await file.getByText('门口有人催债').waitFor();
  await accessible(page, 'the credit file');
  await shoot(page, 'credit');
});

story('a supervisor reads the credit file and changes nothing in it; of traits there is nothing', 'sun', {}, async (page) => {
  await openShop(page);
  await credit(page).getByText('拖欠两个月').waitFor();
  assert.equal(await credit(page).getByRole('button').count(), 0);
  assert.equal(await persons(page).count(), 0);
  assert.equal((await page.locator('body').innerText()).includes(BOSS), true, 'who it is stands on the card for everybody');
});

story('a dispatcher sees the badge alone, in English too', 'zhao', { language: 'en-GB' }, async (page, watcher) => {
  await openShop(page);
  const badge = page.getByRole('region', { name: 'Credit', exact: true });
  await badge.getByText('on hold').waitFor();
  assert.equal(await page.getByRole('region', { name: 'Credit file' }).count(), 0);
  assert.equal(await page.getByRole('region', { name: 'Personal traits' }).count(), 0);
  assert.equal((await page.locator('body').innerText()).includes('拖欠两个月'), false);
  // Whoever asks for it all the same hears no, in words.
  const id = new URL(page.url()).pathname.split('/').pop();
  for (const what of ['persons', 'credit']) {
    watcher.excuse(`403 /api/customers/${id}/${what}`);
    const refused = await page.evaluate(async (path) => { const answer = await fetch(path); return { status: answer.status, body: await answer.json() }; }, `/api/customers/${id}/${what}`);
    assert.equal(refused.status, 403);
    assert.match(refused.body.error.message_zh, /权限/);
  }
});
