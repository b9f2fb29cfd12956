// How addresses are built and the news is read.
import { expect, test } from 'vitest';
import { address, waitOf } from './client';
import { readNews, touches } from './live';

test('a query leaves out what is not asked for', () => {
  expect(address('/api/customers', { q: '惠民', territory: '', stale: false, overdue: true, offset: 0, limit: undefined })).toBe('/api/customers?q=%E6%83%A0%E6%B0%91&overdue=1&offset=0');
  expect(address('/api/review')).toBe('/api/review');
});

test('the pause that the server asks for is read, another form of it is not', () => {
  expect(waitOf('30')).toBe(30_000);
  for (const odd of [null, '', 'Wed, 21 Oct 2026 07:28:00 GMT', '-1', '1e9']) expect(waitOf(odd)).toBeNull();
});

test('news of another shape is left alone, a long list means everything', () => {
  expect(readNews('{"number":7,"docs":[{"doc":"d","kind":"visit","subject":"c1"}]}')?.docs).toHaveLength(1);
  expect(readNews('{"number":7,"docs":null}')).toEqual({ number: 7, docs: null });
  for (const odd of ['', '[]', 'null', '{"number":"7"}', '{']) expect(readNews(odd)).toBeNull();
});

test('news touches a page by kind and subject', () => {
  const news = { number: 1, docs: [{ doc: 'd', kind: 'visit', subject: 'c1' }] };
  expect(touches(news, ['visit'])).toBe(true);
  expect(touches(news, ['visit'], 'c2')).toBe(false);
  expect(touches(news, ['tour'])).toBe(false);
  expect(touches({ number: 2, docs: null }, ['tour'], 'c9')).toBe(true);
});
