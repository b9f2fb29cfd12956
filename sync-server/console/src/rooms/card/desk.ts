// One open card: what is read, what is written, and at which heads. Never here: anything drawn.
import { inject, provide, ref, type InjectionKey, type Ref, type ShallowRef } from 'vue';
import { api } from '../../api/endpoints';
import { touches } from '../../api/live';
import type { Assertion, Card, Edit, Fact, FieldSchema, Value, VerifyRequest } from '../../api/types';
import { t } from '../../i18n';
import { useLoad } from '../../use/load';
import { useWrite } from '../../use/write';

/** What the history panel is opened on. */
export interface HistoryAsk {
  /** Field, or `list/entry/field`. */
  path: string;
  field: FieldSchema;
}

export interface VerifyAsk {
  field: FieldSchema;
  assertion: Assertion;
}

export interface CardDesk {
  card: ShallowRef<Card | null>;
  error: ShallowRef<unknown>;
  reload: () => Promise<void>;
  saving: Ref<boolean>;
  /** Writes at the heads given: those that the form showed when it was opened. Resolves to whether it is stored. */
  save: (edits: Edit[], heads: string, said?: string) => Promise<boolean>;
  verify: (request: VerifyRequest) => Promise<boolean>;
  history: Ref<HistoryAsk | null>;
  verifying: Ref<VerifyAsk | null>;
}

const KEY: InjectionKey<CardDesk> = Symbol('card desk');

export function provideDesk(id: () => string): CardDesk {
  const load = useLoad((signal) => api.card(id(), signal), [id], (news) => touches(news, ['customer', 'office', 'visit', 'verification', 'proposal'], id()));
  const { busy: saving, write } = useWrite();

  const desk: CardDesk = {
    card: load.value,
    error: load.error,
    reload: load.reload,
    saving,
    save: (edits, heads, said = t.value.card.saved) => write(async () => load.put(await api.edit(id(), { heads, edits })), said),
    verify: (request) => write(async () => load.put(await api.verify(id(), request)), t.value.card.verifiedToast),
    history: ref(null),
    verifying: ref(null),
  };
  provide(KEY, desk);
  return desk;
}

export function useDesk(): CardDesk {
  const desk = inject(KEY);
  if (desk === undefined) throw new Error('a card part stands outside a card');
  return desk;
}

/** Does the card hold anything for this field? */
export function filled(card: Card, field: FieldSchema): boolean {
  switch (field.merge) {
    case 'set':
      return (card.sets[field.key]?.length ?? 0) > 0;
    case 'entries':
    case 'log':
      return (card.entries[field.key]?.length ?? 0) > 0;
    case 'text':
      return (card.texts[field.key]?.text ?? '') !== '';
    case 'fact':
    case 'register':
    case 'once':
    case 'counter':
      return hasValue(card.facts[field.key]?.shown?.value ?? null);
  }
}

export function hasValue(value: Value): boolean {
  return value !== null && value !== '';
}

/** Rivals worth showing: those that a person must choose between, or that say different things. */
export function differing(fact: Fact): boolean {
  return fact.rivals.length > 1 && (fact.review || new Set(fact.rivals.map((one) => JSON.stringify(one.value))).size > 1);
}
