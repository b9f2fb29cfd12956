// A plan that a dispatcher is working on, not yet published: which stops, in which order, with times from the server.
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue';
import { ApiError } from '../../api/client';
import { api } from '../../api/endpoints';
import type { CustomerRow, Day, Id, Sequence, Tour, TourStop } from '../../api/types';
import { t } from '../../i18n';
import { done, failed } from '../../state/toasts';
import { changes, fixed, moved, openIds, sameOrder } from './order';

const PAUSE_MS = 350;
const CONFLICT = 409;

function stopOf(row: CustomerRow): TourStop {
  return {
    customer: { id: row.id, name: row.name }, grade: row.grade, address: row.address, place: row.place, state: 'open', ad_hoc: false, deviates: false, urgent: false,
    arrive_ms: null, depart_ms: null, check_in_ms: null, check_out_ms: null, late: false,
  };
}

/** What names the plan in force; nothing when there is none. */
function token(tour: Tour | null): string {
  return tour?.heads ?? '';
}

/** `published` puts a new plan in place, `reload` reads the day again. */
export function useDraft(day: Ref<Day>, rep: Ref<Id>, tour: Ref<Tour | null>, published: (tour: Tour) => void, reload: () => Promise<void>) {
  /** Null: nothing changed, the published order is shown. */
  const order = ref<Id[] | null>(null);
  const urgent = ref<Set<Id>>(new Set());
  const added = shallowRef(new Map<Id, TourStop>());
  /** The tour that the draft was begun from: null when there was none, or no draft. */
  const begun = shallowRef<Tour | null>(null);
  /** Why there are no times. */
  const problem = shallowRef<unknown>(null);
  const times = shallowRef<Sequence | null>(null);
  const busy = ref<'' | 'sequence' | 'publish'>('');
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked = 0;

  const done_stops = computed(() => (tour.value?.stops ?? []).filter(fixed));
  const open_ids = computed(() => {
    const gone = new Set(done_stops.value.map((stop) => stop.customer.id));
    return (order.value ?? openIds(tour.value)).filter((id) => !gone.has(id));
  });
  const open_stops = computed(() => {
    // What somebody else took out meanwhile is still in this draft.
    const known = new Map([...(begun.value?.stops ?? []), ...(tour.value?.stops ?? [])].map((stop) => [stop.customer.id, stop]));
    const timed = new Map((times.value?.stops ?? []).map((stop) => [stop.customer, stop]));
    return open_ids.value.flatMap((id) => {
      const stop = known.get(id) ?? added.value.get(id);
      if (stop === undefined) return [];
      const time = timed.get(id);
      const at = time === undefined ? (order.value === null ? {} : { arrive_ms: null, depart_ms: null, late: false }) : { arrive_ms: time.arrive_ms, depart_ms: time.depart_ms, late: time.late };
      return [{ ...stop, ...at, urgent: urgent.value.has(id) }];
    });
  });
  const all_ids = computed(() => [...done_stops.value.map((stop) => stop.customer.id), ...open_ids.value]);
  const dirty = computed(() => order.value !== null);
  /** Somebody else published after this draft was begun, also where there was no tour then: what they changed. */
  const outrun = computed(() => {
    if (!dirty.value || busy.value === 'publish' || token(tour.value) === token(begun.value)) return null;
    return changes(begun.value, tour.value);
  });

  function drop(): void {
    clearTimeout(timer);
    asked += 1;
    order.value = null;
    added.value = new Map();
    urgent.value = new Set((tour.value?.stops ?? []).filter((stop) => stop.urgent).map((stop) => stop.customer.id));
    times.value = null;
    problem.value = null;
    begun.value = null;
    busy.value = '';
  }
  onScopeDispose(() => clearTimeout(timer));
  watch([day, rep], drop);
  watch(tour, () => {
    if (!dirty.value) drop();
  }, { immediate: true });

  /** Another order: times of the one before do not belong to it, nor what is still being worked out. */
  function begin(next: Id[]): void {
    if (order.value === null) begun.value = tour.value;
    order.value = next;
    asked += 1;
    times.value = null;
    problem.value = null;
  }

  function change(next: Id[]): void {
    begin(next);
    const before = openIds(tour.value);
    const sameUrgent = (tour.value?.stops ?? []).every((stop) => stop.urgent === urgent.value.has(stop.customer.id));
    if (tour.value !== null && token(tour.value) === token(begun.value) && sameOrder(next, before) && sameUrgent) {
      drop();
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => void retime(), PAUSE_MS);
  }

  async function retime(): Promise<void> {
    await estimate(true).catch((error: unknown) => (problem.value = error));
  }

  async function estimate(keep_order: boolean): Promise<void> {
    problem.value = null;
    if (open_ids.value.length === 0) {
      times.value = null;
      return;
    }
    asked += 1;
    const mine = asked;
    const answer = await api.sequence({ day: day.value, rep: rep.value, customers: open_ids.value, keep_order }).catch((error: unknown) => {
      if (mine === asked) throw error;
      return null; // about an order that is no longer shown
    });
    if (answer === null || mine !== asked) return;
    if (!keep_order) {
      const sequenced = answer.stops.map((stop) => stop.customer);
      begin([...sequenced, ...open_ids.value.filter((id) => !sequenced.includes(id))]);
    }
    times.value = answer;
  }

  /** Publishes over the plan that `heads` names. A refusal leaves the draft as it is, beside what was published meanwhile. */
  async function send(heads: string): Promise<void> {
    const sent = order.value;
    const question = { day: day.value, rep: rep.value, customers: all_ids.value, urgent: [...urgent.value], heads: heads === '' ? null : heads };
    let answer: Tour;
    try {
      answer = await api.publish(question);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== CONFLICT) throw error;
      await reload();
      failed(error);
      return;
    }
    done(t.value.dispatch.publishedToast);
    if (day.value !== question.day) return;
    published(answer);
    if (rep.value !== question.rep) return;
    if (order.value === sent) drop();
    else begun.value = answer; // it was worked on meanwhile: what is left goes on from what is published now
  }

  async function during(what: 'sequence' | 'publish', act: () => Promise<void>): Promise<void> {
    busy.value = what;
    clearTimeout(timer);
    try {
      await act();
    } catch (error) {
      failed(error);
    }
    busy.value = '';
  }

  return {
    done_stops, open_stops, all_ids, dirty, outrun, problem, times, busy, drop,
    add(row: CustomerRow): void {
      if (all_ids.value.includes(row.id)) return;
      added.value = new Map(added.value).set(row.id, stopOf(row));
      change([...open_ids.value, row.id]);
    },
    remove: (id: Id) => change(open_ids.value.filter((one) => one !== id)),
    move: (from: number, to: number) => change(moved(open_ids.value, from, to)),
    toggleUrgent(id: Id): void {
      const next = new Set(urgent.value);
      if (!next.delete(id)) next.add(id);
      urgent.value = next;
      change([...open_ids.value]);
    },
    sequence: () => during('sequence', () => estimate(false)),
    retime,
    publish: () => during('publish', () => send(token(begun.value))),
    /** Deliberately over what somebody else published, which the page shows. */
    publishOver: () => during('publish', () => send(token(tour.value))),
  };
}

export type Draft = ReturnType<typeof useDraft>;
