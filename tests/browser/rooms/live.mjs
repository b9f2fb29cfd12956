// What phones do appears on open pages by itself. A page that was loaded anew would have lost the mark that each test sets.
import assert from 'node:assert/strict';
import { headquarters, openCard, story, visitRoom } from '../harness/stage.mjs';

const mark = (page) => page.evaluate(() => void (window.neverReloaded = true));
const stillThere = async (page) => assert.equal(await page.evaluate(() => window.neverReloaded), true, 'the page was not reloaded');

story('an edit made offline on a phone appears on the open card once it syncs', 'chen', {}, async (page) => {
  const wang = headquarters().phoneOf('wang');
  await openCard(page, '惠民超市');
  await page.getByText('实时', { exact: true }).waitFor();
  await mark(page);
  await wang('edit', '惠民超市', 'problems', '上月两次拖欠货款；货架最下层缺货');
  await wang('add-phone', '惠民超市', '13800002222', '--person', '新来的店长');
  assert.equal(await page.getByText('13800002222').count(), 0, 'offline, nobody knows yet');
  await wang('sync');
  await page.getByText('13800002222').waitFor();
  await page.getByText('货架最下层缺货').waitFor();
  const phones = page.getByRole('group', { name: '电话', exact: true });
  assert.match(await phones.innerText(), /王芳/, 'with who wrote it');
  await stillThere(page);
});

story('a check-in shows on the tour while it lasts, the visit when it is over', 'chen', {}, async (page) => {
  const wang = headquarters().phoneOf('wang');
  const visits = await page.context().newPage();
  await visitRoom(visits, '/visits');
  await visits.getByText('实时', { exact: true }).waitFor();
  await visitRoom(page, '/dispatch');
  await page.getByRole('group', { name: '选择销售员' }).getByRole('button', { name: /王芳/ }).click();
  const stop = page.locator('.stops li').filter({ hasText: '和旺文具店' });
  await stop.waitFor();
  assert.match(await stop.getAttribute('class'), /^(?!.*fixed)/, 'not visited yet');
  await mark(page);
  await mark(visits);
  await wang('visit', '和旺文具店', '--stay', '--feedback', '下周搬到隔壁');
  await wang('sync');
  await stop.getByText('正在拜访').waitFor();
  assert.equal(await visits.getByText('下周搬到隔壁').count(), 0, 'a draft stays on the phone');
  await wang('check-out', '--outcome', 'order');
  await wang('sync');
  await stop.getByText('已访', { exact: true }).waitFor();
  const line = visits.getByRole('listitem').filter({ hasText: '下周搬到隔壁' });
  await line.waitFor();
  assert.match(await line.innerText(), /和旺文具店[\s\S]*王芳/);
  await stillThere(page);
  await stillThere(visits);
});

story('the line breaks and comes back by itself, with what was missed', 'chen', {}, async (page, watcher) => {
  const wang = headquarters().phoneOf('wang');
  await openCard(page, '惠民超市');
  await page.getByText('实时', { exact: true }).waitFor();
  await mark(page);
  watcher.excuse('offline');
  await page.context().setOffline(true);
  await wang('add-phone', '惠民超市', '13800003333');
  await wang('sync');
  await page.context().setOffline(false);
  await page.getByText('13800003333').waitFor();
  await stillThere(page);
});
