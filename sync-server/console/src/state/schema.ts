// The server's schema: labels, value sets, territories, reps. Read once per session.
import { computed, shallowRef } from 'vue';
import { api } from '../api/endpoints';
import type { FieldSchema, KindSchema, Schema, ValueOption } from '../api/types';
import { pick } from '../i18n';

const EMPTY: Schema = { version: 0, offset_minutes: 480, kinds: [], value_sets: {}, territories: [], reps: [], people: [] };

export const schema = shallowRef<Schema>(EMPTY);

export async function loadSchema(): Promise<void> {
  schema.value = await api.schema();
}

export function dropSchema(): void {
  schema.value = EMPTY;
}

export function kindOf(kind: string): KindSchema | null {
  return schema.value.kinds.find((one) => one.kind === kind) ?? null;
}

export function valueSet(name: string | null): ValueOption[] {
  return name === null ? [] : (schema.value.value_sets[name] ?? []);
}

/** The label of a code; the code itself where the set does not know it. */
export function codeLabel(set: string | null, code: string | null): string {
  if (code === null) return '';
  const option = valueSet(set).find((one) => one.code === code);
  return option === undefined ? code : pick(option.label);
}

export function territoryName(id: string | null): string {
  if (id === null) return '';
  return schema.value.territories.find((one) => one.id === id)?.name ?? id;
}

const names = computed(() => new Map(schema.value.people.map((one) => [one.id, one.name])));

export function personName(id: string): string {
  return names.value.get(id) ?? id;
}

/** Finds a field of the card: on the field side, else on the office side. */
export function cardField(key: string): FieldSchema | null {
  for (const kind of ['customer', 'office']) {
    const found = kindOf(kind)?.fields.find((field) => field.key === key);
    if (found !== undefined) return found;
  }
  return null;
}
