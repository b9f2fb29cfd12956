// The order of stops, and where they stand on the sketch.
import { expect, test } from 'vitest';
import type { Tour, TourStop } from '../../api/types';
import { changes, displaced, moved, project, sameOrder } from './order';

test('a stop moves to its place and nothing is lost', () => {
  const cases: [number, number, string][] = [[0, 2, 'bcad'], [3, 0, 'dabc'], [1, 1, 'abcd'], [2, 99, 'abdc'], [2, -5, 'cabd'], [9, 0, 'abcd']];
  for (const [from, to, expected] of cases) expect(moved([...'abcd'], from, to).join('')).toBe(expected);
  expect(sameOrder(['a'], ['a', 'b'])).toBe(false);
});

test('what another plan changed is told apart from what the day brought', () => {
  const stop = (id: string, more: Partial<TourStop> = {}) => ({ customer: { id, name: id }, state: 'open', ad_hoc: false, urgent: false, ...more }) as TourStop;
  const tour = (...stops: TourStop[]) => ({ stops }) as Tour;
  const said = (before: Tour | null, after: Tour | null) => Object.values(changes(before, after)).map((stops: TourStop[]) => stops.map((one) => one.customer.id).join('')).join('|');
  expect(displaced([...'abcd'], [...'dabc'])).toEqual(['d']);
  expect(displaced([...'abc'], [...'xac'])).toEqual([]);
  expect(said(null, tour(stop('a'), stop('b')))).toBe('ab|||');
  expect(said(tour(stop('a'), stop('b'), stop('c'), stop('d')), tour(stop('d'), stop('a'), stop('c')))).toBe('|b|d|');
  expect(said(tour(stop('a'), stop('b')), tour(stop('b', { state: 'visited' }), stop('a'), stop('x', { ad_hoc: true })))).toBe('|||');
  expect(said(tour(stop('a'), stop('b')), tour(stop('a', { state: 'visited_removed' }), stop('b', { urgent: true })))).toBe('|a||b');
});

test('the sketch keeps north up, stays inside, and survives one point or none', () => {
  const placed = project([{ id: 'n', lat: 30.3, lon: 120.2 }, { id: 's', lat: 30.2, lon: 120.2 }, { id: 'e', lat: 30.25, lon: 120.3 }], 340, 260, 20);
  expect(placed.get('n')!.y).toBeLessThan(placed.get('s')!.y);
  expect(placed.get('e')!.x).toBeGreaterThan(placed.get('n')!.x);
  for (const { x, y } of placed.values()) {
    expect(x).toBeGreaterThanOrEqual(19.9);
    expect(x).toBeLessThanOrEqual(320.1);
    expect(y).toBeGreaterThanOrEqual(19.9);
    expect(y).toBeLessThanOrEqual(240.1);
  }
  expect(project([], 340, 260, 20).size).toBe(0);
  const one = project([{ id: 'a', lat: 30, lon: 120 }], 340, 260, 20).get('a')!;
  expect([one.x, one.y]).toEqual([170, 130]);
});
