// A long list read in pages as its rows come into sight. Never here: how the rows look or scroll.
import { computed, onScopeDispose, ref, shallowReactive, shallowRef, watch, type WatchSource } from 'vue';
import { byItself } from '../api/client';
import { onNews } from '../api/live';
import type { News } from '../api/types';
import { again, questionText } from './again';

export interface Page<T> {
  total: number;
  more?: boolean;
  rows: T[];
}

export const PAGE_ROWS = 100;
const PAUSE_MS = 160;
const GATHER_MS = 400;
/** How long rows of the question before may stay while the answer is on its way: typing would flicker without. */
const HOLD_MS = 400;

/** Which pages a span of rows lies on. */
export function pagesOf(first: number, last: number, size = PAGE_ROWS): number[] {
  const pages: number[] = [];
  for (let page = Math.floor(Math.max(first, 0) / size); page * size <= last; page += 1) pages.push(page);
  return pages;
}

export function usePages<T>(
  read: (offset: number, limit: number, signal: AbortSignal) => Promise<Page<T>>,
  when: WatchSource[],
  concerns: (news: News) => boolean,
) {
  const pages = shallowReactive(new Map<number, T[]>());
  const asked = new Map<number, AbortController>();
  const total = ref<number | null>(null);
  const more = ref(false);
  const error = shallowRef<unknown>(null);
  const busy = ref(false);
  let seen: [number, number] = [0, PAGE_ROWS - 1];
  let round = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let holding: ReturnType<typeof setTimeout> | undefined;
  /** The rows in sight answer another question than the one asked now. */
  let foreign = false;

  async function fetchPage(page: number): Promise<void> {
    const mine = round;
    const control = new AbortController();
    asked.set(page, control);
    busy.value = true;
    try {
      const found = await read(page * PAGE_ROWS, PAGE_ROWS, control.signal);
      if (mine !== round) return;
      if (total.value === null || stale) {
        pages.clear();
        stale = false;
      }
      foreign = false;
      clearTimeout(holding);
      total.value = found.total;
      more.value = found.more === true;
      pages.set(page, found.rows);
      error.value = null;
    } catch (cause) {
      if (mine !== round) return;
      error.value = cause;
      if (foreign) drop();
      const pause_ms = again(cause);
      if (pause_ms !== null) soon(pause_ms, renew);
    }
    asked.delete(page);
    busy.value = asked.size > 0;
  }

  // When the same is asked again, the old rows stay in sight until the first new page is there.
  let stale = false;

  function drop(): void {
    clearTimeout(holding);
    foreign = false;
    pages.clear();
    total.value = null;
  }

  function restart(): void {
    round += 1;
    clearTimeout(timer);
    for (const control of asked.values()) control.abort();
    asked.clear();
    stale = true;
    for (const page of pagesOf(seen[0], seen[1])) void fetchPage(page);
  }

  const renew = (): void => byItself(restart);

  function look(first: number, last: number): void {
    seen = [first, last];
    for (const page of pagesOf(first, last)) {
      if (!pages.has(page) && !asked.has(page)) void fetchPage(page);
    }
  }

  function soon(pause_ms: number, act: () => void): void {
    clearTimeout(timer);
    timer = setTimeout(act, pause_ms);
  }

  watch(() => questionText(when), () => {
    seen = [0, PAGE_ROWS - 1];
    error.value = null;
    if (!foreign) holding = setTimeout(drop, HOLD_MS);
    foreign = true;
    soon(PAUSE_MS, restart);
  });
  onNews((news) => {
    if (concerns(news)) soon(GATHER_MS, renew);
  });
  onScopeDispose(() => {
    clearTimeout(timer);
    clearTimeout(holding);
    round += 1;
    for (const control of asked.values()) control.abort();
  });
  restart();

  return {
    total: computed(() => total.value ?? 0),
    more,
    ready: computed(() => total.value !== null),
    error,
    busy,
    look,
    restart,
    row: (index: number): T | undefined => pages.get(Math.floor(index / PAGE_ROWS))?.[index % PAGE_ROWS],
  };
}
