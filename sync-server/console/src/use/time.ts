// How days and instants are written, and a clock that ticks for "5 minutes ago". Local time of the browser.
import { computed, ref } from 'vue';
import type { Day, Ms } from '../api/types';
import { t, tag } from '../i18n';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

export const now_ms = ref(Date.now());
if (typeof window !== 'undefined') setInterval(() => (now_ms.value = Date.now()), 20_000);

const two = (n: number) => String(n).padStart(2, '0');

export function dayOf(ms: Ms): Day {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** The day `n` days after `day`. */
export function plusDays(day: Day, n: number): Day {
  const at = new Date(`${day}T12:00:00`);
  at.setDate(at.getDate() + n);
  return dayOf(at.getTime());
}

export const today = computed(() => dayOf(now_ms.value));

const clockFormat = computed(() => new Intl.DateTimeFormat(tag.value, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }));
const dayFormat = computed(() => new Intl.DateTimeFormat(tag.value, { month: 'short', day: 'numeric' }));
const yearFormat = computed(() => new Intl.DateTimeFormat(tag.value, { year: 'numeric', month: 'short', day: 'numeric' }));
const weekdayFormat = computed(() => new Intl.DateTimeFormat(tag.value, { weekday: 'short' }));

export function clock(ms: Ms): string {
  return clockFormat.value.format(ms);
}

export function dayText(ms: Ms): string {
  const sameYear = new Date(ms).getFullYear() === new Date(now_ms.value).getFullYear();
  return (sameYear ? dayFormat : yearFormat).value.format(ms);
}

export function dayName(day: Day): string {
  const words = t.value.words;
  if (day === today.value) return words.today;
  if (day === plusDays(today.value, -1)) return words.yesterday;
  if (day === plusDays(today.value, 1)) return words.tomorrow;
  return dayText(new Date(`${day}T12:00:00`).getTime());
}

export function weekday(day: Day): string {
  return weekdayFormat.value.format(new Date(`${day}T12:00:00`));
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
