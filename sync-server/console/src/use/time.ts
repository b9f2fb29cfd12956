// How days and instants are written, and a clock that ticks for "5 minutes ago". Days and hours are those of the company's
// calendar, wherever the browser is: a plan for Monday is for Monday there.
import { computed, ref } from 'vue';
import type { Day, Ms } from '../api/types';
import { t, tag } from '../i18n';
import { schema } from '../state/schema';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const now_ms = ref(Date.now());
if (typeof window !== 'undefined') setInterval(() => (now_ms.value = Date.now()), 20_000);

const two = (n: number) => String(n).padStart(2, '0');

/** The same wall clock, in UTC: what the formats below are fed with. */
function wall(ms: Ms): number {
  return ms + schema.value.offset_minutes * MINUTE_MS;
}

export function dayOf(ms: Ms): Day {
  const at = new Date(wall(ms));
  return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`;
}

/** Noon of a day: an instant that surely lies in it. */
export function noonOf(day: Day): Ms {
  return Date.parse(`${day}T12:00:00Z`) - schema.value.offset_minutes * MINUTE_MS;
}

/** The day `n` days after `day`. */
export function plusDays(day: Day, n: number): Day {
  return dayOf(noonOf(day) + n * DAY_MS);
}

export const today = computed(() => dayOf(now_ms.value));

const clockFormat = computed(() => new Intl.DateTimeFormat(tag.value, { timeZone: 'UTC', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }));
const dayFormat = computed(() => new Intl.DateTimeFormat(tag.value, { timeZone: 'UTC', month: 'short', day: 'numeric' }));
const yearFormat = computed(() => new Intl.DateTimeFormat(tag.value, { timeZone: 'UTC', year: 'numeric', month: 'short', day: 'numeric' }));
const weekdayFormat = computed(() => new Intl.DateTimeFormat(tag.value, { timeZone: 'UTC', weekday: 'short' }));

export function clock(ms: Ms): string {
  return clockFormat.value.format(wall(ms));
}

export function dayText(ms: Ms): string {
  const sameYear = dayOf(ms).slice(0, 4) === today.value.slice(0, 4);
  return (sameYear ? dayFormat : yearFormat).value.format(wall(ms));
}

export function dayName(day: Day): string {
  const words = t.value.words;
  if (day === today.value) return words.today;
  if (day === plusDays(today.value, -1)) return words.yesterday;
  if (day === plusDays(today.value, 1)) return words.tomorrow;
  return dayText(noonOf(day));
}

export function weekday(day: Day): string {
  return weekdayFormat.value.format(wall(noonOf(day)));
}

/** Day and time, the day left out when it is today. */
export function instant(ms: Ms): string {
  return dayOf(ms) === today.value ? clock(ms) : `${dayText(ms)} ${clock(ms)}`;
}

export function ago(ms: Ms | null): string {
  const words = t.value.words;
  if (ms === null) return words.never;
  const past = now_ms.value - ms;
  if (past < MINUTE_MS) return words.now;
  if (past < HOUR_MS) return words.minutesAgo(Math.floor(past / MINUTE_MS));
  if (past < DAY_MS) return words.hoursAgo(Math.floor(past / HOUR_MS));
  return words.daysAgo(Math.floor(past / DAY_MS));
}

/** A span such as a clock offset: `+72 h 3 min`. */
export function span(ms: number): string {
  const minutes = Math.round(Math.abs(ms) / MINUTE_MS);
  return `${ms < 0 ? '−' : '+'}${t.value.words.hours(Math.floor(minutes / 60), minutes % 60)}`;
}
