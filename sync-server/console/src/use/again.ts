// When a reading that failed is worth another try without anybody asking for it, and how a question is told from the one before.
import { toValue, type WatchSource } from 'vue';
import { ApiError } from '../api/client';

const AGAIN_DEFAULT_MS = 5_000;
const AGAIN_MIN_MS = 1_000;
const AGAIN_MAX_MS = 60_000;
/** The server has too much to do, or is asked too often: both pass by themselves. */
const PASSING = new Set([429, 503]);

/** Milliseconds after which the same may be asked again; null where only a person can tell. */
export function again(cause: unknown): number | null {
  if (!(cause instanceof ApiError) || !PASSING.has(cause.status)) return null;
  return Math.min(Math.max(cause.wait_ms ?? AGAIN_DEFAULT_MS, AGAIN_MIN_MS), AGAIN_MAX_MS);
}

/** The question as text: the same question put together anew is not another one. */
export function questionText(sources: readonly WatchSource[]): string {
  return JSON.stringify(sources.map((source) => toValue(source)));
}
