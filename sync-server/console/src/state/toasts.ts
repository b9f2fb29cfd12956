// Short messages that come and go: what was done, or why it was not.
import { ref } from 'vue';
import { ApiError } from '../api/client';
import { locale, t } from '../i18n';

export interface Toast {
  id: number;
  kind: 'done' | 'failed';
  text: string;
}

const DONE_MS = 3_500;
const FAILED_MS = 9_000;

export const toasts = ref<Toast[]>([]);
let last = 0;

function show(kind: Toast['kind'], text: string): void {
  last += 1;
  const id = last;
  toasts.value = [...toasts.value.slice(-2), { id, kind, text }];
  setTimeout(() => dismiss(id), kind === 'done' ? DONE_MS : FAILED_MS);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((one) => one.id !== id);
}

export function done(text: string): void {
  show('done', text);
}

/** What an error says to a person. */
export function errorText(error: unknown): string {
  if (!(error instanceof ApiError)) return t.value.errors.title;
  const text = error.text(locale.value);
  return error.wait_ms === null ? text : `${text}${locale.value === 'zh' ? '' : ' '}${t.value.errors.wait(Math.ceil(error.wait_ms / 1_000))}`;
}

export function failed(error: unknown): void {
  show('failed', errorText(error));
}
