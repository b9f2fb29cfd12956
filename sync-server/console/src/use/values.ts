// How a value of a field is written for a person, by its type in the schema.
import type { FieldSchema, Geo, Money, Rating, Value, ValueType, Window } from '../api/types';
import { locale, t, tag } from '../i18n';
import { codeLabel, personName, territoryName } from '../state/schema';
import { instant } from './time';

/** What is needed to write a value: the type, and the value set of a code. */
export interface Written {
  type: ValueType;
  value_set: string | null;
}

const RATING_MAX = 5;
type Parts = { [name: string]: Value };

function parts(value: Value): Parts | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : null;
}

export function asMoney(value: Value): Money | null {
  const found = parts(value);
  return found !== null && typeof found['amount'] === 'number' && typeof found['currency'] === 'string' ? (found as unknown as Money) : null;
}

export function asRating(value: Value): Rating | null {
  const found = parts(value);
  const score = found?.['score'];
  return typeof score === 'number' && Number.isInteger(score) && score >= 1 && score <= RATING_MAX ? (found as unknown as Rating) : null;
}

export function asGeo(value: Value): Geo | null {
  const found = parts(value);
  return found !== null && typeof found['lat'] === 'number' && typeof found['lon'] === 'number' ? (found as unknown as Geo) : null;
}

export function asWindow(value: Value): Window | null {
  const found = parts(value);
  return found !== null && typeof found['open'] === 'number' && typeof found['close'] === 'number' ? (found as unknown as Window) : null;
}

/** Large amounts in the unit people say them in: 万 in Chinese, thousands grouped in English. */
export function moneyText(money: Money): string {
  const whole = money.amount / 100;
  if (locale.value === 'zh' && Math.abs(whole) >= 10_000) {
    const format = new Intl.NumberFormat('zh-CN', { maximumFractionDigits: 2 });
    const text = Math.abs(whole) >= 100_000_000 ? `${format.format(whole / 100_000_000)} 亿` : `${format.format(whole / 10_000)} 万`;
    return money.currency === 'CNY' ? `${text}元` : `${text} ${money.currency}`;
  }
  try {
    return new Intl.NumberFormat(tag.value, { style: 'currency', currency: money.currency, maximumFractionDigits: whole % 1 === 0 ? 0 : 2 }).format(whole);
  } catch {
    return `${whole} ${money.currency}`; // a currency code that the browser refuses
  }
}

export function minutesText(minutes: number): string {
  return `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
}

const WEEKDAYS_ZH = ['一', '二', '三', '四', '五', '六', '日'];
const WEEKDAYS_EN = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];

function windowText(window: Window): string {
  const hours = `${minutesText(window.open)}–${minutesText(window.close)}`;
  const days = [...(window.days ?? '')].map(Number).filter((day) => day >= 1 && day <= 7);
  if (days.length === 0 || days.length === 7) return hours;
  const names = days.map((day) => (locale.value === 'zh' ? WEEKDAYS_ZH : WEEKDAYS_EN)[day - 1]);
  return locale.value === 'zh' ? `周${names.join('、')} ${hours}` : `${names.join(', ')} ${hours}`;
}

function plainText(value: Value): string {
  if (value === null) return '';
  if (typeof value === 'number') return value.toLocaleString(tag.value);
  if (typeof value === 'boolean') return value ? t.value.words.yes : t.value.words.no;
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(plainText).join(locale.value === 'zh' ? '、' : ', ');
  return Object.entries(value).map(([name, part]) => `${name} ${plainText(part)}`).join(' · ');
}

/** One line for a value; empty for null. What does not fit its type is written plainly: nothing recorded is hidden. */
export function valueText(value: Value, field: Written): string {
  if (value === null || value === '') return '';
  switch (field.type) {
    case 'code':
      return typeof value === 'string' ? codeLabel(field.value_set, value) : plainText(value);
    case 'money': {
      const money = asMoney(value);
      if (money === null) return plainText(value);
      const when = money.period ?? money.as_of;
      return when === undefined ? moneyText(money) : `${moneyText(money)}(${when})`;
    }
    case 'rating': {
      const rating = asRating(value);
      if (rating === null) return plainText(value);
      const stars = '★'.repeat(rating.score) + '☆'.repeat(RATING_MAX - rating.score);
      return rating.reason ? `${stars} ${rating.reason}` : stars;
    }
    case 'geo': {
      const geo = asGeo(value);
      return geo === null ? plainText(value) : `${(geo.lat / 1e7).toFixed(5)}, ${(geo.lon / 1e7).toFixed(5)}`;
    }
    case 'window': {
      const window = asWindow(value);
      return window === null ? plainText(value) : windowText(window);
    }
    case 'instant':
      return typeof value === 'number' ? instant(value) : plainText(value);
    case 'territory':
      return typeof value === 'string' ? territoryName(value) : plainText(value);
    case 'person':
    case 'reference':
      return typeof value === 'string' ? personName(value) : plainText(value);
    case 'line':
    case 'prose':
    case 'integer':
    case 'date':
    case 'phone':
    case 'bool':
    case 'uscc':
    case 'stamp':
    case 'structure':
      return plainText(value);
  }
}

/** The types a form can write; the others are shown only. */
export function writable(field: FieldSchema): boolean {
  return field.class !== 'D' && field.type !== 'structure' && field.type !== 'stamp' && field.type !== 'instant' && field.type !== 'reference' && field.merge !== 'once';
}
