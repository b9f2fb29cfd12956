// No visit is left out and none stands twice, whatever comes while earlier ones are being read.
import { effectScope, nextTick, ref } from 'vue';
import { expect, test, vi } from 'vitest';
import type { VisitList, VisitQuery, VisitRow } from '../../api/types';
import { useVisits } from './list';

const row = (n: number, day = 'a') => ({ id: `${day}${n}`, check_in_ms: n, customer: { id: `c${n}`, name: '' }, outcome: null, possible_double: false }) as unknown as VisitRow;

/** A server with visits by day, as `GET /api/visits` answers. */
function server() {
  const days: Record<string, VisitRow[]> = { a: Array.from({ length: 250 }, (_, n) => row(1_000 - n)), b: [row(5, 'b')] };
  const going: VisitRow[] = [row(1, 'going')];
  let asked = 0;
  let gate: Promise<void> = Promise.resolve();
  async function read(query: VisitQuery): Promise<VisitList> {
    asked += 1;
    const all = [...days[query.day!]!].sort((x, y) => y.check_in_ms - x.check_in_ms);
    const from = query.before === undefined ? 0 : all.findIndex((one) => one.check_in_ms < Number(query.before));
    const rows = all.slice(from, from + query.limit!);
    const left = from + rows.length < all.length;
    const answer = { rows, going: query.before === undefined && query.day === 'a' ? going : [], next: left ? String(rows.at(-1)!.check_in_ms) : null, sums: query.before === undefined ? { listed: all.length, visits: all.length, customers: 1, orders: 0 } : null };
    await gate;
    return answer;
  }
  return { days, going, read, asked: () => asked, hold: () => { let open = () => undefined as void; gate = new Promise((done) => (open = done)); return () => { open(); gate = Promise.resolve(); }; } };
}

const settle = () => vi.waitFor(async () => { await nextTick(); });
async function still(): Promise<void> {
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
  await settle();
}

async function room() {
  const hq = server();
  const question = ref<VisitQuery>({ day: 'a' });
  const scope = effectScope();
  const list = scope.run(() => useVisits(question, hq.read))!;
  await still();
  const held = () => list.rows.value.map((one) => one.id);
  const whole = () => [...hq.days['a']!].sort((x, y) => y.check_in_ms - x.check_in_ms).map((one) => one.id);
  return { hq, question, list, held, whole, scope };
}

test('a visit that goes on since the early morning hides none of those behind it', async () => {
  const { list, held, whole } = await room();
  expect(held().at(-1)).toBe('going1');
  await list.more();
  await list.more();
  expect(list.left.value).toBe(false);
  expect(held()).toEqual([...whole(), 'going1']);
  expect(list.sums.value?.visits).toBe(250);
});

test('new ones join without a gap, and what comes late into the middle is read again', async () => {
  const { hq, list, held, whole } = await room();
  await list.more();
  for (let n = 1; n <= 30; n += 1) hq.days['a']!.push(row(1_000 + n));
  const asked = hq.asked();
  await list.reload();
  expect(hq.asked()).toBe(asked + 1);
  expect(held().slice(0, -1)).toEqual(whole().slice(0, 230));
  expect(list.fresh.value.size).toBe(30);
  hq.days['a']!.push(row(840.5));
  await list.reload();
  expect(held()).toContain('a840.5');
  for (let n = 31; n <= 190; n += 1) hq.days['a']!.push(row(1_000 + n));
  await list.reload();
  await list.more();
  await list.more();
  expect(held()).toEqual([...whole(), 'going1']);
});

test('earlier ones of a question that was left are not put under the new one', async () => {
  const { hq, question, list, held, scope } = await room();
  const open = hq.hold();
  const late = list.more();
  question.value = { day: 'b' };
  await nextTick();
  open();
  await late;
  await still();
  expect(held()).toEqual(['b5']);
  scope.stop();
});
