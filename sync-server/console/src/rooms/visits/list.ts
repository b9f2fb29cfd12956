// A list of visits that stays whole while it grows at both ends: the newest page is read again with the news, earlier ones on demand.
// Never here: what the question is, or how a visit looks.
import { computed, ref, shallowRef, watch, type Ref } from 'vue';
import { touches } from '../../api/live';
import type { VisitList, VisitQuery, VisitRow } from '../../api/types';
import { failed } from '../../state/toasts';
import { useLoad } from '../../use/load';

export const PAGE_ROWS = 100;
/** Pages that are read in one go to fill a gap; beyond, the rest is left to be asked for again. */
const REFILL_PAGES_MAX = 20;

type Read = (query: VisitQuery, signal?: AbortSignal) => Promise<VisitList>;

/** The rows of two pages, each visit once; what comes first counts. */
export function joined(first: readonly VisitRow[], then: readonly VisitRow[]): VisitRow[] {
  const ids = new Set(first.map((row) => row.id));
  return [...first, ...then.filter((row) => !ids.has(row.id))];
}

/**
 * Does all that came since stand on the newest page? Then what was held behind it still follows without a gap. Something that was recorded
 * long ago and comes only now stands behind it, and so may what the page pushed off.
 */
export function follows(newest: VisitList, held: VisitList): boolean {
  const ids = new Set(held.rows.map((row) => row.id));
  const came = newest.rows.filter((row) => !ids.has(row.id)).length;
  return newest.sums !== null && held.sums !== null && newest.sums.listed === held.sums.listed + came;
}

export function useVisits(question: Ref<VisitQuery>, read: Read) {
  const key = computed(() => JSON.stringify(question.value));
  const busy_more = ref(false);
  const known = new Set<string>();
  const fresh = shallowRef<ReadonlySet<string>>(new Set());
  let held: VisitList | null = null;
  let held_key = '';

  async function whole(signal: AbortSignal): Promise<VisitList> {
    const asked = question.value;
    const before = held_key === key.value ? held : null;
    const newest = await read({ ...asked, limit: PAGE_ROWS }, signal);
    if (before === null || newest.next === null || before.rows.length <= newest.rows.length) return newest;
    if (follows(newest, before)) return { ...newest, rows: joined(newest.rows, before.rows), next: before.next };
    let rows = newest.rows;
    let next: string | null = newest.next;
    for (let n = 1; n < REFILL_PAGES_MAX && next !== null && rows.length < before.rows.length; n += 1) {
      const page: VisitList = await read({ ...asked, before: next, limit: PAGE_ROWS }, signal);
      rows = joined(rows, page.rows);
      next = page.next;
    }
    return { ...newest, rows, next };
  }

  const load = useLoad(whole, [key], (news) => touches(news, ['visit', 'tour', 'customer']));

  watch(load.value, (answer) => {
    if (answer === null) return;
    const first = held_key !== key.value || held === null;
    if (first) known.clear();
    held = answer;
    held_key = key.value;
    const came = [...answer.going, ...answer.rows].filter((row) => !known.has(row.id)).map((row) => row.id);
    fresh.value = new Set(first ? [] : came);
    for (const id of came) known.add(id);
  }, { flush: 'sync' });

  async function more(): Promise<void> {
    const from = load.value.value?.next;
    if (from == null || busy_more.value) return;
    const mine = key.value;
    busy_more.value = true;
    try {
      const page = await read({ ...question.value, before: from, limit: PAGE_ROWS });
      const now = load.value.value;
      // Of another question by now, or no longer what stands behind the last row.
      if (mine === key.value && now !== null && now.next === from) {
        for (const row of page.rows) known.add(row.id);
        const reading = load.busy.value;
        load.put({ ...now, rows: joined(now.rows, page.rows), next: page.next });
        if (reading) void load.reload();
      }
    } catch (error) {
      if (mine === key.value) failed(error);
    }
    busy_more.value = false;
  }

  const rows = computed(() => {
    const answer = load.value.value;
    return answer === null ? [] : joined(answer.rows, answer.going).sort((a, b) => b.check_in_ms - a.check_in_ms);
  });

  return {
    rows, fresh, more, busy_more,
    ready: computed(() => load.value.value !== null),
    sums: computed(() => load.value.value?.sums ?? null),
    left: computed(() => load.value.value !== null && load.value.value.next !== null),
    error: load.error, busy: load.busy, reload: load.reload,
  };
}
