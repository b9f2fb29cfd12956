// Reading something from the server and keeping it fresh. While the same question is asked again, the last good answer stays on the page;
// an answer to another question never does.
import { onScopeDispose, ref, shallowRef, watch, type Ref, type ShallowRef, type WatchSource } from 'vue';
import { byItself } from '../api/client';
import { onNews } from '../api/live';
import type { News } from '../api/types';
import { again, questionText } from './again';

export interface Loaded<T> {
  value: ShallowRef<T | null>;
  /** Why the last reading failed. Beside a value: the value may be out of date, and the page says so. */
  error: ShallowRef<unknown>;
  busy: Ref<boolean>;
  /** Reads again; resolves when the answer (or the error) is in place. */
  reload: () => Promise<void>;
  /** Puts an answer in place that came by another way, such as that of a write. */
  put: (value: T) => void;
}

const GATHER_MS = 250;

/**
 * Calls `read` at once, whenever `when` changes, and when news comes that `concerns` it. News is gathered for a
 * moment, so that a device handing in a hundred changes costs one read. What a busy server refused is asked again by itself.
 */
export function useLoad<T>(read: (signal: AbortSignal) => Promise<T>, when: WatchSource[] = [], concerns?: (news: News) => boolean): Loaded<T> {
  const value = shallowRef<T | null>(null);
  const error = shallowRef<unknown>(null);
  const busy = ref(false);
  let running: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const reload = (): Promise<void> => ask(read);
  const renew = (): Promise<void> => ask((signal) => byItself(() => read(signal)));

  async function ask(from: typeof read): Promise<void> {
    running?.abort();
    clearTimeout(timer);
    const mine = new AbortController();
    running = mine;
    busy.value = true;
    try {
      const found = await from(mine.signal);
      if (running !== mine) return;
      value.value = found;
      error.value = null;
    } catch (cause) {
      if (running !== mine) return;
      error.value = cause;
      const pause_ms = again(cause);
      if (pause_ms !== null) timer = setTimeout(() => void renew(), pause_ms);
    }
    busy.value = false;
    running = null;
  }

  function put(found: T): void {
    running?.abort();
    running = null;
    clearTimeout(timer);
    busy.value = false;
    value.value = found;
    error.value = null;
  }

  if (when.length > 0) {
    watch(() => questionText(when), () => {
      value.value = null;
      error.value = null;
      void reload();
    });
  }
  if (concerns !== undefined) {
    onNews((news) => {
      if (!concerns(news)) return;
      clearTimeout(timer);
      timer = setTimeout(() => void renew(), GATHER_MS);
    });
  }
  onScopeDispose(() => {
    clearTimeout(timer);
    running?.abort();
    running = null;
  });
  void reload();
  return { value, error, busy, reload, put };
}
