// Getting in and out.
import assert from 'node:assert/strict';
import { PASSWORD } from '../harness/headquarters.mjs';
import { headquarters, settled, story } from '../harness/stage.mjs';

story('by keyboard alone: a wrong password is said plainly, the right one leads to the page that was asked for', null, {}, async (page, watcher) => {
  watcher.excuse('401 /api/login');
  await page.goto('/overview');
  await page.waitForURL((url) => url.pathname === '/login' && url.searchParams.get('next') === '/overview');
  const name = page.getByLabel('用户名');
  await name.waitFor();
  assert.equal(await name.evaluate((box) => box === document.activeElement), true, 'the first field has the focus');
  await page.keyboard.type('chen');
  await page.keyboard.press('Tab');
  await page.keyboard.type('not the password');
  await page.keyboard.press('Enter');
  const alert = page.getByRole('alert');
  await alert.waitFor();
  assert.match(await alert.innerText(), /密码/, 'the message names the password');
  assert.doesNotMatch(await alert.innerText(), /chen|401|undefined/, 'and nothing that helps nobody');
  assert.equal(await page.getByLabel('密码').evaluate((box) => box === document.activeElement && box.value === ''), true, 'the cursor is where to try again');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === '/overview');
  await settled(page);
  assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), '总览');
});

story('the first Tab skips the navigation; signing out ends the session on the server too', null, {}, async (page) => {
  await page.goto('/login');
  await page.getByLabel('用户名').fill('zhao');
  await page.getByLabel('密码').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL((url) => url.pathname === '/customers');
  await settled(page);
  await page.reload();
  await settled(page);
  await page.keyboard.press('Tab');
  assert.equal(await page.locator(':focus').innerText(), '跳到正文');
  const [cookie] = await page.context().cookies();
  assert.equal(cookie.httpOnly && cookie.sameSite !== 'None', true, 'the session is out of reach of scripts and of other sites');
  await page.getByRole('button', { name: '退出登录' }).click();
  await page.waitForURL((url) => url.pathname === '/login');
  await page.getByLabel('用户名').waitFor();
  const answer = await fetch(`${headquarters().origin}/api/me`, { headers: { cookie: `${cookie.name}=${cookie.value}` } });
  assert.equal(await answer.json(), null);
});

story('a manager is offered no accounts room, and the server refuses it too', 'chen', {}, async (page) => {
  await page.goto('/customers');
  await settled(page);
  const rooms = page.getByRole('navigation', { name: '主导航' });
  await rooms.getByRole('link', { name: '待裁决' }).waitFor();
  assert.equal(await rooms.getByRole('link', { name: '账号与设备' }).count(), 0);
  const answer = await page.request.get('/api/accounts');
  assert.equal(answer.status(), 403);
});
