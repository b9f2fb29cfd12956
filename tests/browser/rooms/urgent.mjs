// Urgent reports on the overview: there at once, taken, closed, and told to whoever reported.
import assert from 'node:assert/strict';
import { accessible } from '../harness/axe.mjs';
import { headquarters, shoot, story, visitRoom } from '../harness/stage.mjs';

const TEXT = '连夜搬空仓库，欠款未结';

story('an urgent report appears while the page is open, is taken and closed, on every open page', 'chen', {}, async (page) => {
  const li = headquarters().phoneOf('li');
  const other = await page.context().newPage();
  for (const one of [page, other]) {
    await visitRoom(one, '/overview');
    await one.getByText('实时', { exact: true }).waitFor();
  }
  await li('urgent', TEXT, '--kind', 'credit_danger', '--severity', 'critical');
  await li('sync');
  const row = (one) => one.getByRole('region', { name: '紧急报告' }).getByRole('listitem').filter({ hasText: TEXT });
  await row(page).waitFor();
  await row(other).waitFor();
  assert.match(await row(page).innerText(), /李强[\s\S]*0 分钟未读/);
  await accessible(page, 'an urgent report');
  await shoot(page, 'urgent');
  await row(page).getByRole('button', { name: '我来处理' }).click();
  await row(other).getByText(/处理中 陈刚/).waitFor();
  assert.equal(await row(page).getByRole('button', { name: '我来处理' }).count(), 0);
  await li('sync');
  assert.match(await li('urgents'), new RegExp(`${TEXT}`));
  await row(page).getByRole('button', { name: '处理完毕' }).click();
  await row(page).waitFor({ state: 'detached' });
  await row(other).waitFor({ state: 'detached' });
});
