// A session that ends leaves the page as it is; the same person goes on, another one gets a page of their own.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Line } from '../api/line.mock';

const me = (id: string) => ({ user: { id, name: id, login: id, role: 'manager', territories: [] }, may: {}, server_ms: 0 });
const away = vi.fn();
let standing = true;
let next = 'chen';

beforeEach(() => {
  vi.resetModules();
  standing = true;
  next = 'chen';
  away.mockClear();
  Line.open = [];
  vi.stubGlobal('EventSource', Line);
  vi.stubGlobal('location', { assign: away });
  vi.stubGlobal('fetch', async (path: string) => {
    if (path === '/api/login') standing = true;
    const status = standing ? 200 : 401;
    const body = !standing ? { error: { code: 'logged_out', message_zh: '', message_en: '' } } : path === '/api/login' ? me(next) : { kinds: [], value_sets: {}, territories: [], reps: [], people: [] };
    return new Response(JSON.stringify(body), { status });
  });
});
afterEach(() => void vi.unstubAllGlobals());

async function lapsed() {
  const state = await import('./session');
  const { get } = await import('../api/client');
  const { onNews } = await import('../api/live');
  const { effectScope } = await import('vue');
  const told: unknown[] = [];
  effectScope().run(() => onNews((news) => told.push(news.docs)));
  await state.signIn('chen', 'password');
  standing = false;
  await get('/api/review').catch(() => undefined);
  return { state, told };
}

test('whoever worked is still there, and the line is closed; logged in again, everything is read again', async () => {
  const { state, told } = await lapsed();
  expect([state.lapsed.value, state.session.value?.user.id, Line.open.length]).toEqual([true, 'chen', 0]);
  await state.signIn('chen', 'password');
  expect([state.lapsed.value, Line.open.length, away.mock.calls.length]).toEqual([false, 1, 0]);
  Line.open[0]!.dispatchEvent(new Event('open'));
  expect(told).toEqual([null]);
});

test('another person does not go on with what somebody else was doing', async () => {
  const { state } = await lapsed();
  next = 'zhao';
  await state.signIn('zhao', 'password');
  expect(away).toHaveBeenCalledWith('/');
  expect([state.lapsed.value, state.session.value?.user.id]).toEqual([true, 'chen']);
});
