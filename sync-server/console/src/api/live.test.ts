// The line to the server rests while nobody looks at the page, and comes back with everything to be read again.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { effectScope } from 'vue';
import type { News } from './types';
import { Line } from './line.mock';

let page = Object.assign(new EventTarget(), { hidden: false });
let frame = new EventTarget();

function show(hidden: boolean): void {
  page.hidden = hidden;
  page.dispatchEvent(new Event('visibilitychange'));
}

beforeEach(() => {
  vi.resetModules();
  vi.useFakeTimers();
  page = Object.assign(new EventTarget(), { hidden: false });
  frame = new EventTarget();
  vi.stubGlobal('EventSource', Line);
  vi.stubGlobal('document', page);
  vi.stubGlobal('window', frame);
});
afterEach(() => {
  Line.open = [];
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function begin(): Promise<News[]> {
  const { onNews, openLine } = await import('./live');
  const told: News[] = [];
  effectScope().run(() => onNews((news) => told.push(news)));
  openLine(() => undefined);
  Line.open[0]!.dispatchEvent(new Event('open'));
  return told;
}

test('a page hidden for a moment keeps its line, one hidden for longer gives it back', async () => {
  const told = await begin();
  show(true);
  vi.advanceTimersByTime(2_000);
  show(false);
  vi.advanceTimersByTime(60_000);
  expect(Line.open.length).toBe(1);
  show(true);
  vi.advanceTimersByTime(60_000);
  expect(Line.open.length).toBe(0);
  show(false);
  expect(Line.open.length).toBe(1);
  expect(told).toEqual([]);
  Line.open[0]!.dispatchEvent(new Event('open'));
  expect(told).toEqual([{ number: 0, docs: null }]);
});

test('a page put aside by the browser holds no line, and one that is logged out opens none on return', async () => {
  await begin();
  frame.dispatchEvent(new Event('pagehide'));
  expect(Line.open.length).toBe(0);
  frame.dispatchEvent(new Event('online'));
  expect(Line.open.length).toBe(0);
  frame.dispatchEvent(new Event('pageshow'));
  expect(Line.open.length).toBe(1);
  const { closeLine } = await import('./live');
  frame.dispatchEvent(new Event('pagehide'));
  closeLine();
  frame.dispatchEvent(new Event('pageshow'));
  expect(Line.open.length).toBe(0);
});
