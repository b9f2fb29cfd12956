// A plan that a dispatcher is working on, not yet published: which stops, in which order, with times from the server.
import { computed, ref, shallowRef, watch, type Ref } from 'vue';
import { api } from '../../api/endpoints';
import type { CustomerRow, Day, Id, Sequence, Tour, TourStop } from '../../api/types';
import { t } from '../../i18n';
import { done, failed } from '../../state/toasts';
import { fixed, moved, openIds, sameOrder } from './order';

const PAUSE_MS = 350;

function stopOf(row: CustomerRow): TourStop {
  return {
    customer: { id: row.id, name: row.name }, grade: row.grade, address: row.address, place: row.place, state: 'open', ad_hoc: false, deviates: false, urgent: false,
    arrive_ms: null, depart_ms: null, check_in_ms: null, check_out_ms: null, late: false,
  };
}

export function useDraft(day: Ref<Day>, rep: Ref<Id>, tour: Ref<Tour | null>, published: (tour: Tour) => void) {
  /** Null: nothing changed, the published order is shown. */
  const order = ref<Id[] | null>(null);
  const urgent = ref<Set<Id>>(new Set());
  const added = shallowRef(new Map<Id, TourStop>());
  const heads = ref<string | null>(null);
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
    const known = new Map((tour.value?.stops ?? []).map((stop) => [stop.customer.id, stop]));
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
  /** The tour changed on the server after this draft was begun: the page says so, and shows the draft after what was visited since. */
  const outrun = computed(() => dirty.value && tour.value !== null && heads.value !== null && heads.value !== tour.value.heads);

  function drop(): void {
    clearTimeout(timer);
    asked += 1;
    order.value = null;
    added.value = new Map();
    urgent.value = new Set((tour.value?.stops ?? []).filter((stop) => stop.urgent).map((stop) => stop.customer.id));
    times.value = null;
    heads.value = null;
    busy.value = '';
  }
  watch([day, rep], drop);
  watch(tour, () => {
    if (!dirty.value) drop();
  }, { immediate: true });

  function change(next: Id[]): void {
    if (order.value === null) heads.value = tour.value?.heads ?? null;
    order.value = next;
    const before = openIds(tour.value);
    const sameUrgent = (tour.value?.stops ?? []).every((stop) => stop.urgent === urgent.value.has(stop.customer.id));
    if (tour.value !== null && sameOrder(next, before) && sameUrgent) {
      drop();
      return;
    }
    clearTimeout(timer);
    timer = setTimeout(() => void estimate(true), PAUSE_MS);
  }

  async function estimate(keep_order: boolean): Promise<void> {
    if (open_ids.value.length === 0) {
      times.value = null;
      return;
    }
    asked += 1;
    const mine = asked;
    const answer = await api.sequence({ day: day.value, rep: rep.value, customers: open_ids.value, keep_order });
    if (mine !== asked) return;
    times.value = answer;
    if (!keep_order) {
      const sequenced = answer.stops.map((stop) => stop.customer);
      const left = open_ids.value.filter((id) => !sequenced.includes(id));
      if (order.value === null) heads.value = tour.value?.heads ?? null;
      order.value = [...sequenced, ...left];
    }
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
    done_stops, open_stops, all_ids, dirty, outrun, times, busy, drop,
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
    publish: () =>
      during('publish', async () => {
        const answer = await api.publish({ day: day.value, rep: rep.value, customers: all_ids.value, urgent: [...urgent.value], heads: tour.value?.heads ?? null });
        published(answer);
        drop();
        done(t.value.dispatch.publishedToast);
      }),
  };
}

export type Draft = ReturnType<typeof useDraft>;
