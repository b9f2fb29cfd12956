// Which language is spoken first, and that no English sentence was left in the Chinese dictionary or the other way round.
import { expect, test } from 'vitest';
import { firstLocale } from '.';
import { en } from './en';
import { zh } from './zh';

test('Chinese first, unless the browser says otherwise or somebody chose', () => {
  expect(firstLocale(null, [])).toBe('zh');
  expect(firstLocale(null, ['zh-TW', 'en'])).toBe('zh');
  expect(firstLocale(null, ['en-US', 'zh-CN'])).toBe('en');
  expect(firstLocale('zh', ['en-US'])).toBe('zh');
  expect(firstLocale('xx', ['de'])).toBe('en');
});

function texts(node: unknown, path: string, found: [string, string][]): [string, string][] {
  if (typeof node === 'string') found.push([path, node]);
  else if (typeof node === 'object' && node !== null) for (const [key, part] of Object.entries(node)) texts(part, `${path}.${key}`, found);
  return found;
}

test('both dictionaries are written in their own language', () => {
  const meantForTheOther = new Set(['.account.language', '.account.languageTitle']);
  // The names of file formats are the same in every language.
  const fileFormats = /JSON|CSV/g;
  const chinese = /[\u4e00-\u9fff]/;
  for (const [path, text] of texts(en, '', [])) if (!meantForTheOther.has(path)) expect(chinese.test(text), `${path}: ${text}`).toBe(false);
  for (const [path, text] of texts(zh, '', [])) if (!meantForTheOther.has(path) && /[A-Za-z]{4}/.test(text.replace(fileFormats, ''))) expect.fail(`${path}: ${text}`);
  for (const [path, text] of texts(zh, '', [])) expect(/[\u4e00-\u9fff],[\u4e00-\u9fff]/.test(text), `half-width comma in ${path}`).toBe(false);
});
