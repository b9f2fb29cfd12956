// The order of stops, and where they stand on the sketch.
import { expect, test } from 'vitest';
import { moved, project, sameOrder } from './order';

test('a stop moves to its place and nothing is lost', () => {
  const cases: [number, number, string][] = [[0, 2, 'bcad'], [3, 0, 'dabc'], [1, 1, 'abcd'], [2, 99, 'abdc'], [2, -5, 'cabd'], [9, 0, 'abcd']];
  for (const [from, to, expected] of cases) expect(moved([...'abcd'], from, to).join('')).toBe(expected);
  expect(sameOrder(['a'], ['a', 'b'])).toBe(false);
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
