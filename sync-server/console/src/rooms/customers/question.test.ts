// The question survives the address bar, whatever somebody types into it.
import { expect, test } from 'vitest';
import type { LocationQuery } from 'vue-router';
import { fromAddress, narrowed, PLAIN, toAddress } from './question';

test('what is asked comes back from the address', () => {
  const asked = { ...PLAIN, q: '惠民 人民路', territory: 'east', overdue: true, sort: 'grade' as const, descending: true };
  expect(fromAddress(toAddress(asked) as LocationQuery)).toEqual(asked);
  expect(toAddress(PLAIN)).toEqual({});
  expect(narrowed(asked)).toBe(true);
  expect(narrowed({ ...PLAIN, q: 'hm' })).toBe(false);
});

test('nonsense in the address asks the plain question', () => {
  expect(fromAddress({ sort: 'drop table', stale: 'yes', q: ['a', 'b'], grade: null })).toEqual(PLAIN);
});
