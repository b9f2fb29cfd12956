// Light, dark, or as the system says.
import { ref, watchEffect } from 'vue';
import { recall, remember } from './memory';

export const themes = ['auto', 'light', 'dark'] as const;
export type Theme = (typeof themes)[number];

const stored = recall('theme');
export const theme = ref<Theme>(stored === 'light' || stored === 'dark' ? stored : 'auto');

export function nextTheme(): void {
  const at = themes.indexOf(theme.value);
  theme.value = themes[(at + 1) % themes.length] ?? 'auto';
  remember('theme', theme.value);
}

if (typeof document !== 'undefined') {
  watchEffect(() => {
    if (theme.value === 'auto') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme.value;
  });
}
