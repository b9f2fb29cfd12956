// Which language is spoken, remembered, and how labels from the server are picked.
import { computed, ref, watch } from 'vue';
import type { Label } from '../api/types';
import { recall, remember } from '../state/memory';
import { en } from './en';
import { zh, type Messages } from './zh';

export type Locale = 'zh' | 'en';

/** Chinese unless the browser asks for something else first. */
export function firstLocale(stored: string | null, languages: readonly string[]): Locale {
  if (stored === 'zh' || stored === 'en') return stored;
  const first = languages[0] ?? 'zh';
  return first.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export const locale = ref<Locale>(firstLocale(recall('locale'), typeof navigator === 'undefined' ? [] : navigator.languages));

/** The dictionary in use. */
export const t = computed<Messages>(() => (locale.value === 'zh' ? zh : en));

/** BCP 47 name for dates and numbers. */
export const tag = computed(() => (locale.value === 'zh' ? 'zh-CN' : 'en-GB'));

export function pick(label: Label): string {
  return locale.value === 'zh' ? label.zh : label.en;
}

export function switchLocale(): void {
  locale.value = locale.value === 'zh' ? 'en' : 'zh';
  remember('locale', locale.value);
}

if (typeof document !== 'undefined') {
  watch(locale, () => (document.documentElement.lang = tag.value), { immediate: true });
}
