// Values as a person reads them; what does not fit its type is still shown.
import { expect, test } from 'vitest';
import { locale } from '../i18n';
import { valueText } from './values';

test('values are written by their type', () => {
  locale.value = 'zh';
  const text = (type: Parameters<typeof valueText>[1]['type'], value: Parameters<typeof valueText>[0]) => valueText(value, { type, value_set: null });
  expect(text('money', { amount: 300_000_000, currency: 'CNY', period: '2025' })).toBe('300 万元(2025)');
  expect(text('money', { amount: 12_345, currency: 'CNY' })).toContain('123.45');
  expect(text('money', { amount: 1_000_000, currency: 'not a code' })).toContain('not a code');
  expect(text('rating', { score: 4, reason: '回款快' })).toBe('★★★★☆ 回款快');
  expect(text('window', { open: 480, close: 690, days: '15' })).toBe('周一、五 08:00–11:30');
  expect(text('geo', { lat: 302_500_000, lon: 1_202_000_000 })).toBe('30.25000, 120.20000');
  expect(text('money', 'about three million')).toBe('about three million');
  expect(text('rating', 99)).toBe('99');
  expect(text('rating', { score: 1_000_000_000 })).toContain('1,000,000,000');
  expect(text('line', null)).toBe('');
});
