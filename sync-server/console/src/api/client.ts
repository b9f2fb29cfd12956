// How a request is sent and its error read. Never here: what the endpoints are (endpoints.ts).
import type { ErrorBody } from './types';

/** What the server refused, or why it could not be reached; `text` picks the language. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly zh: string,
    readonly en: string,
    /** How long the server asks to wait before the next try; null when it says nothing. */
    readonly wait_ms: number | null = null,
  ) {
    super(`${code}: ${en}`);
    this.name = 'ApiError';
  }

  text(locale: 'zh' | 'en'): string {
    return locale === 'zh' ? this.zh : this.en;
  }
}

type Query = Record<string, string | number | boolean | undefined>;

const TIMEOUT_MS = 30_000;

let signedOut: () => void = () => undefined;

/** Registers what happens when the server no longer knows the session. */
export function onSignedOut(act: () => void): void {
  signedOut = act;
}

let alone = false;

/** Runs what asks the server because of news and not because of anybody: such a request keeps no session alive. */
export function byItself<T>(ask: () => T): T {
  alone = true;
  try {
    return ask();
  } finally {
    alone = false;
  }
}

/** Builds `path?query`, leaving out what is undefined, empty or false. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '' || value === false) continue;
    search.set(name, value === true ? '1' : String(value));
  }
  const text = search.toString();
  return text === '' ? path : `${path}?${text}`;
}

function isErrorBody(body: unknown): body is ErrorBody {
  if (typeof body !== 'object' || body === null || !('error' in body)) return false;
  const error = (body as { error: unknown }).error;
  return typeof error === 'object' && error !== null && 'code' in error;
}

/** `Retry-After` as seconds, the only form that our server sends. */
export function waitOf(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header.trim()) ? Number(header) * 1_000 : null;
}

async function failure(answer: Response): Promise<ApiError> {
  const body: unknown = await answer.json().catch(() => null);
  const wait_ms = waitOf(answer.headers.get('retry-after'));
  if (isErrorBody(body)) {
    return new ApiError(answer.status, body.error.code, body.error.message_zh, body.error.message_en, wait_ms);
  }
  return new ApiError(
    answer.status,
    'unexpected',
    `服务器返回了意外的答复(${answer.status})。请稍后再试。`,
    `The server gave an unexpected answer (${answer.status}). Please try again later.`,
    wait_ms,
  );
}

async function send<T>(method: string, path: string, body: unknown, signal?: AbortSignal): Promise<T> {
  const limit = AbortSignal.timeout(TIMEOUT_MS);
  const init: RequestInit = {
    method,
    credentials: 'same-origin',
    headers: {
      accept: 'application/json',
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(alone ? { 'roadbook-by-itself': '1' } : {}),
    },
    signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
  };
  if (body !== undefined) init.body = JSON.stringify(body);
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (cause) {
    if (signal?.aborted === true) throw cause;
    throw new ApiError(0, 'unreachable', '无法连接服务器。请检查网络后再试。', 'The server cannot be reached. Check the network and try again.');
  }
  if (!answer.ok) {
    const error = await failure(answer);
    if (answer.status === 401 && path !== '/api/login') signedOut();
    throw error;
  }
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return send<T>('GET', address(path, query), undefined, signal);
}

export function post<T>(path: string, body: unknown = {}, signal?: AbortSignal): Promise<T> {
  return send<T>('POST', path, body, signal);
}
