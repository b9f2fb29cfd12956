// The live line to the server: server-sent events, kept up by ourselves, and who listens to them.
// Never here: what a page does with the news.
import { onScopeDispose, readonly, ref } from 'vue';
import type { News } from './types';

export type LineState = 'connecting' | 'live' | 'lost';

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/**
 * How long a page may be hidden before it gives up its line. A browser opens six connections to a server over HTTP/1.1 for all
 * its tabs together: tabs in the background that each held one would leave none for requests.
 */
const HIDDEN_MS = 5_000;

const state = ref<LineState>('connecting');
const listeners = new Set<(news: News) => void>();
let source: EventSource | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let hiding: ReturnType<typeof setTimeout> | undefined;
/** Whether a line is wanted at all, and whether it rests because nobody looks at the page. */
let wanted = false;
let resting = false;
let wait_ms = RETRY_FIRST_MS;
let lost = false;
let check: () => void = () => undefined;

/** Everything may have changed: said after a break in the line. */
const EVERYTHING: News = { number: 0, docs: null };

export const lineState = readonly(state);

function tell(news: News): void {
  for (const listener of [...listeners]) listener(news);
}

/** Reads one event's text; null when it is not news as we know it. */
export function readNews(text: string): News | null {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof body !== 'object' || body === null || typeof (body as News).number !== 'number') return null;
  const docs = (body as News).docs;
  return { number: (body as News).number, docs: Array.isArray(docs) ? docs : null };
}

function connect(): void {
  clearTimeout(timer);
  source = new EventSource('/api/news');
  source.addEventListener('open', () => {
    state.value = 'live';
    wait_ms = RETRY_FIRST_MS;
    if (lost) tell(EVERYTHING);
    lost = false;
  });
  source.addEventListener('news', (event) => {
    const news = readNews((event as MessageEvent<string>).data);
    if (news !== null) tell(news);
  });
  source.addEventListener('error', () => {
    source?.close();
    source = null;
    lost = true;
    state.value = 'lost';
    check();
    if (!wanted) return; // the check ended the session at once
    timer = setTimeout(connect, wait_ms);
    wait_ms = Math.min(wait_ms * 2, RETRY_MAX_MS);
  });
}

/**
 * Opens the line; `onBreak` is asked after each break, to see whether the session still stands. After `missed` news everything is to be
 * read again as soon as the line is there.
 */
export function openLine(onBreak: () => void, missed = false): void {
  closeLine();
  lost = missed;
  check = onBreak;
  wanted = true;
  state.value = 'connecting';
  connect();
  if (typeof document !== 'undefined' && document.hidden) restSoon();
}

export function closeLine(): void {
  clearTimeout(timer);
  clearTimeout(hiding);
  source?.close();
  source = null;
  wanted = false;
  resting = false;
  lost = false;
  wait_ms = RETRY_FIRST_MS;
}

/** Gives the connection back. What is missed meanwhile counts as a break: on return everything may have changed. */
function rest(): void {
  clearTimeout(hiding);
  if (!wanted || resting) return;
  clearTimeout(timer);
  source?.close();
  source = null;
  resting = true;
  lost = true;
}

function restSoon(): void {
  clearTimeout(hiding);
  if (wanted) hiding = setTimeout(rest, HIDDEN_MS);
}

function resume(): void {
  clearTimeout(hiding);
  if (!resting) return;
  resting = false;
  state.value = 'connecting';
  wait_ms = RETRY_FIRST_MS;
  connect();
}

if (typeof window !== 'undefined') {
  // The network is back: no need to sit out the rest of the pause.
  window.addEventListener('online', () => {
    if (wanted && !resting && source === null) connect();
  });
  document.addEventListener('visibilitychange', () => (document.hidden ? restSoon() : resume()));
  // A page put aside whole by the browser runs no timers and must hold no connection; it may be shown again as it was.
  window.addEventListener('pagehide', rest);
  window.addEventListener('pageshow', () => {
    if (!document.hidden) resume();
  });
}

/** Listens for as long as the calling component lives. */
export function onNews(listener: (news: News) => void): void {
  listeners.add(listener);
  onScopeDispose(() => listeners.delete(listener));
}

/** Does the news touch this kind, and (when given) this subject? */
export function touches(news: News, kinds: readonly string[], subject?: string): boolean {
  if (news.docs === null) return true;
  return news.docs.some((doc) => kinds.includes(doc.kind) && (subject === undefined || doc.subject === subject));
}
