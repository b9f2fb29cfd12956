// The photos of a visit: small pictures first, the originals when they have come, who may look.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { headquarters, shoot, story, visitRoom } from '../harness/stage.mjs';

story('small pictures come at once, originals keep their place until they are there, and open in full', 'chen', {}, async (page) => {
  const demo = headquarters();
  const wang = demo.phoneOf('wang');
  await visitRoom(page, '/visits');
  await page.getByText('实时', { exact: true }).waitFor();
  // Any picture will do: one of the page itself, and a small part of it.
  const [large, small] = [demo.file('shelf.png'), demo.file('shelf-small.jpg')];
  fs.writeFileSync(large, await page.screenshot({ type: 'png' }));
  fs.writeFileSync(small, await page.screenshot({ type: 'jpeg', quality: 40, clip: { x: 0, y: 0, width: 144, height: 96 } }));
  await wang('visit', '乐家母婴店', '--stay', '--feedback', '新货架照片');
  await wang('photo', large, '--kind', 'shelf', '--thumbnail', small);
  await wang('check-out', '--outcome', 'order');
  await wang('sync', '--metered');
  const line = page.getByRole('listitem').filter({ hasText: '新货架照片' }).first();
  const strip = line.getByRole('list', { name: '照片' });
  await strip.getByText('待传', { exact: true }).waitFor();
  await line.getByText('1 张待传').waitFor();
  assert.equal(await strip.getByRole('link').count(), 0, 'nothing to open yet');
  const shown = () => strip.getByRole('img').first().evaluate((image) => image.complete && image.naturalWidth);
  await page.waitForFunction((image) => image.complete && image.naturalWidth > 0, await strip.getByRole('img').first().elementHandle());
  assert.equal(await shown(), 144, 'the small picture');
  await shoot(page, 'photos-waiting');
  assert.match(await wang('status'), /1 photo/);
  await wang('sync');
  await line.getByText('照片齐全').waitFor();
  const link = strip.getByRole('link');
  const answer = await page.request.get(await link.getAttribute('href'));
  assert.equal(answer.headers()['content-type'], 'image/png');
  assert.equal(Buffer.compare(await answer.body(), fs.readFileSync(large)), 0, 'the photo as it was taken');
  await shoot(page, 'photos-complete');
});

story('whoever may not read the visit gets no photo of it', 'admin', {}, async (page, watcher) => {
  watcher.excuse('403 /api/visits');
  const answer = await page.request.get('/api/visits?limit=5');
  assert.equal(answer.status(), 403);
});
