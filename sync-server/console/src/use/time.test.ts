// Days are the company's, wherever the browser is.
import { expect, test } from 'vitest';
import { schema } from '../state/schema';
import { dayOf, noonOf, plusDays } from './time';

test('a day is the company’s day, and noon lies in it', () => {
  for (const offset_minutes of [480, 0, -720, 840, 345]) {
    schema.value = { ...schema.value, offset_minutes };
    for (const day of ['2026-03-02', '2025-12-31', '2024-02-29']) {
      expect(dayOf(noonOf(day))).toBe(day);
      expect(plusDays(plusDays(day, 1), -1)).toBe(day);
    }
    expect(plusDays('2024-02-28', 2)).toBe('2024-03-01');
  }
  schema.value = { ...schema.value, offset_minutes: 480 };
  expect(dayOf(Date.parse('2026-11-23T19:15:00Z'))).toBe('2026-11-24');
});
