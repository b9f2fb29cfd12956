// What stands on the page when a reading fails: the same question keeps its answer, another one never shows it.
import { effectScope, nextTick, ref } from 'vue';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ApiError } from '../api/client';
import { useLoad } from './load';
import { usePages } from './pages';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const busy = new ApiError(503, 'overloaded', '繁忙', 'busy', 2_000);

test('an answer to another question is dropped, the same one keeps its answer and is asked again after the pause', async () => {
  const day = ref('a');
  let fails: unknown = null;
  let reads = 0;
  const read = async () => {
    reads += 1;
    if (fails !== null) throw fails;
    return day.value;
  };
  const scope = effectScope();
  const load = scope.run(() => useLoad(read, [() => ({ day: day.value })]))!;
  await vi.advanceTimersByTimeAsync(0);
  expect(load.value.value).toBe('a');
  fails = busy;
  await load.reload();
  expect([load.value.value, load.error.value]).toEqual(['a', busy]);
  day.value = 'b';
  await nextTick();
  expect(load.value.value).toBeNull();
  await vi.advanceTimersByTimeAsync(0);
  expect([load.value.value, load.error.value]).toEqual([null, busy]);
  fails = null;
  await vi.advanceTimersByTimeAsync(1_900);
  expect(load.value.value).toBeNull();
  await vi.advanceTimersByTimeAsync(200);
  expect([load.value.value, load.error.value]).toEqual(['b', null]);
  const before = reads;
  fails = new ApiError(404, 'not_found', '', '');
  await load.reload();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(reads).toBe(before + 1);
  scope.stop();
});

test('rows of another question go when the new ones do not come', async () => {
  const word = ref('a');
  let fails = false;
  const read = async () => {
    if (fails) throw new ApiError(500, 'failed', '', '');
    return { total: 1, rows: [word.value] };
  };
  const scope = effectScope();
  const list = scope.run(() => usePages(read, [word], () => false))!;
  await vi.advanceTimersByTimeAsync(0);
  expect(list.row(0)).toBe('a');
  fails = true;
  list.restart();
  await vi.advanceTimersByTimeAsync(1_000);
  expect([list.row(0), list.ready.value]).toEqual(['a', true]);
  expect(list.error.value).not.toBeNull();
  word.value = 'b';
  await vi.advanceTimersByTimeAsync(200);
  expect([list.row(0), list.ready.value]).toEqual([undefined, false]);
  fails = false;
  list.restart();
  await vi.advanceTimersByTimeAsync(0);
  expect(list.row(0)).toBe('b');
  scope.stop();
});
