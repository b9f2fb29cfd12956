// A small made-up company in memory, the same at every start. Never shipped.
import type { Assertion, Card, CustomerRow, DeviceRow, Fact, Person, Tour, TourStop, UserRow, Value, VisitRow } from '../src/api/types.ts';
import { schema } from './schema.ts';

const DAY = 86_400_000;
export const now = () => Date.now();
let seed = 20260302;
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return seed / 4294967296;
}
const int = (n: number) => Math.floor(random() * n);
const one = <T>(all: readonly T[]): T => all[int(all.length)]!;

const FRONT = ['惠民', '鑫鑫', '福源', '永盛', '好又来', '兴隆', '万家', '便民', '金桥', '四季', '同福', '百佳', '聚源', '顺达', '新世纪', '和谐', '佳佳', '恒丰', '瑞祥', '东方'];
const BACK = ['超市', '便利店', '副食店', '烟酒行', '粮油店', '食品批发部', '小卖部', '生活超市'];
const STREETS = ['人民路', '解放路', '建设街', '中山路', '青年路', '和平巷', '工农路', '滨河路'];
const PINYIN: Record<string, string> = { 惠: 'hui', 民: 'min', 超: 'chao', 市: 'shi', 鑫: 'xin', 福: 'fu', 源: 'yuan', 永: 'yong', 盛: 'sheng' };
const reps = schema.reps;

export const rows: CustomerRow[] = Array.from({ length: 3217 }, (_, n) => {
  const last = random() < 0.06 ? null : now() - int(70) * DAY - int(DAY);
  const grade = one(['A', 'B', 'B', 'C', 'C', 'C', 'D', 'unrated']);
  const interval = { A: 7, B: 14, C: 30, D: 60 }[grade] ?? null;
  const owner = one(reps);
  return {
    id: `c${n}`, name: n === 0 ? '惠民超市' : `${one(FRONT)}${one(BACK)}${n > 150 ? `(${one(STREETS)}店)` : ''}`, grade: n === 0 ? 'B' : grade,
    business_type: one(['retailer', 'retailer', 'chain', 'wholesaler', 'exclusive_shop']), lifecycle: one(['active', 'active', 'active', 'prospect', 'dormant']), territory: one(['east', 'east', 'west', 'north']), owner: n === 0 ? reps[0]! : owner,
    address: n === 0 ? '人民路21号' : `${one(STREETS)}${1 + int(200)}号`, phone: `139${String(10000000 + int(89999999))}`, place: random() < 0.05 ? null : { lat: 30.25 + (random() - 0.5) * 0.12, lon: 120.2 + (random() - 0.5) * 0.16 },
    last_visit_ms: last, interval_days: interval, due_days: interval === null ? null : last === null ? -int(20) : Math.floor((last + interval * DAY - now()) / DAY), stale: random() < 0.2, complete_percent: 30 + int(70), review: n === 0 ? 1 : random() < 0.02 ? 1 : 0, waiting: random() < 0.1 ? 1 : 0,
  };
});

export function find(query: URLSearchParams): CustomerRow[] {
  const q = (query.get('q') ?? '').toLowerCase();
  const pinyin = (name: string, initials: boolean) => [...name].map((c) => (initials ? (PINYIN[c] ?? '')[0] ?? '' : (PINYIN[c] ?? ''))).join('');
  const found = rows.filter((row) =>
    (q === '' || row.name.includes(q) || row.address?.includes(q) || row.phone?.includes(q) || pinyin(row.name, false).includes(q) || pinyin(row.name, true).includes(q)) &&
    (!query.get('territory') || row.territory === query.get('territory')) && (!query.get('owner') || row.owner?.id === query.get('owner')) && (!query.get('grade') || row.grade === query.get('grade')) && (!query.get('type') || row.business_type === query.get('type')) &&
    (!query.get('stale') || row.stale) && (!query.get('overdue') || (row.due_days !== null && row.due_days < 0)) && (!query.get('review') || row.review > 0));
  const by: Record<string, (row: CustomerRow) => number | string> = { name: (r) => r.name, grade: (r) => r.grade ?? 'z', territory: (r) => r.territory ?? '', last_visit: (r) => r.last_visit_ms ?? 0, due: (r) => r.due_days ?? 9999, stale: (r) => (r.stale ? 0 : 1), review: (r) => r.review };
  const key = by[query.get('sort') ?? 'due'] ?? by['due']!;
  const sign = query.get('descending') ? -1 : 1;
  return found.sort((a, b) => (key(a) < key(b) ? -sign : key(a) > key(b) ? sign : 0));
}

const phone = (person: Person, n = 1): Person => ({ id: `${person.id}${n}`, name: `${person.name}的${n === 1 ? '手机' : '平板'}` });
let ops = 0;
export function assertion(value: Value, by: Person | null, daysAgo: number, source = 'visit'): Assertion {
  ops += 1;
  const at = now() - daysAgo * DAY - int(DAY / 2);
  return { key: `op${ops}`, value, source, source_doc: source === 'import' ? '2026年客户表.xlsx' : null, observed_ms: at, by, device: by === null ? null : phone(by), claimed_ms: at, corrected_ms: at };
}
export function fact(shown: Assertion, more: Partial<Fact> = {}): Fact {
  return { shown, badge: 'unverified', verified: null, waiting: null, rivals: [], review: false, stale: false, confirmed_ms: null, ...more };
}

const cards = new Map<string, Card>();
export function card(id: string): Card | null {
  const row = rows.find((one) => one.id === id);
  if (row === undefined) return null;
  const known = cards.get(id);
  if (known !== undefined) return known;
  const [wf, lq] = [reps[0]!, reps[1]!];
  const sl: Person = { id: 'sl', name: '孙丽' };
  const verified = (value: Value, days: number) => ({ ...assertion(value, sl, days, 'survey_agency'), verified_by: sl, verified_ms: now() - days * DAY });
  const a12 = assertion('人民路12号', wf, 0.3);
  const a21 = assertion(row.address ?? '人民路21号', lq, 0.2);
  const turnover = verified({ amount: 300_000_000, currency: 'CNY', period: '2025' }, 50);
  const odd = assertion('副食、烟酒', wf, 3);
  odd.claimed_ms += 72 * 3_600_000;
  const made: Card = {
    row, heads: 'h1', complete_percent: 68, fresh_percent: 54, may: { edit: true, verify: true, persons: true, credit: true, observe: true },
    facts: {
      trade_name: fact(assertion(row.name, sl, 120, 'import'), { badge: 'verified', verified: verified(row.name, 100) }),
      legal_name: fact(assertion(`杭州${row.name}有限公司`, null, 200, 'register'), { badge: 'verified', verified: verified(`杭州${row.name}有限公司`, 90) }),
      founded_on: fact(assertion('2009-05', wf, 400)), ownership_form: fact(assertion('individual', wf, 90)), business_type: fact(assertion(row.business_type, wf, 90)),
      location_type: fact(assertion('residential', wf, 0.1), { rivals: [assertion('residential', wf, 0.1), assertion('residential', lq, 0.1)] }),
      line_of_business: fact(odd), headcount: fact(assertion(8, wf, 420), { stale: true }),
      turnover: fact(turnover, { badge: 'report_waiting', verified: turnover, waiting: assertion({ amount: 800_000_000, currency: 'CNY', period: '2025' }, null, 2, 'customer_form') }),
      potential: fact(assertion({ score: 4, reason: '新小区年底入住' }, wf, 20), { badge: 'was_verified', verified: verified({ score: 3 }, 60) }),
      cooperation: fact(assertion({ score: 3, reason: '回款偏慢' }, lq, 130), { stale: true }), service_minutes: fact(assertion(20, null, 30, 'office'), { badge: 'none' }),
      grade: fact(assertion(row.grade, { id: 'cg', name: '陈刚' }, 60, 'office'), { badge: 'none' }), lifecycle: fact(assertion(row.lifecycle, { id: 'cg', name: '陈刚' }, 60, 'office'), { badge: 'none' }), visit_interval_days: fact(assertion(row.interval_days, { id: 'cg', name: '陈刚' }, 60, 'office'), { badge: 'none' }),
    },
    sets: { tags: [{ element: '冷柜', by: wf, corrected_ms: now() - 5 * DAY }, { element: '拐角店', by: lq, corrected_ms: now() - 40 * DAY }], product_lines: [{ element: '饮料', by: wf, corrected_ms: now() }, { element: '粮油', by: wf, corrected_ms: now() }], service_area: [{ element: '人民路社区', by: wf, corrected_ms: now() }] },
    entries: {
      addresses: [{ id: 'a1', kept: false, fields: { text: fact(a21, { badge: 'none', rivals: [a12, a21], review: true }), kind: fact(assertion('shop', wf, 300), { badge: 'none' }), parking: fact(assertion('后门可停小货车', wf, 60), { badge: 'none' }) } }],
      phones: [
        { id: 'p1', kept: true, fields: { number: fact(assertion('139 0000 1111', wf, 0.4), { badge: 'none' }), kind: fact(assertion('mobile', wf, 0.4), { badge: 'none' }), label: fact(assertion('老板娘', wf, 0.1), { badge: 'none' }) } },
        { id: 'p2', kept: false, fields: { number: fact(assertion('0571 8888 1234', lq, 220), { badge: 'none', stale: true }), kind: fact(assertion('landline', lq, 220), { badge: 'none' }) } },
      ],
      stakeholders: [{ id: 's1', kept: false, fields: { name: fact(assertion('周惠民', wf, 150), { badge: 'none' }), role: fact(assertion('owner', wf, 150), { badge: 'none' }) } }],
      competitors: [{ id: 'k1', kept: false, fields: { brand: fact(assertion('康源', wf, 12), { badge: 'none' }), share: fact(assertion(30, wf, 12), { badge: 'none' }), terms: fact(assertion('月结 30 天', wf, 12), { badge: 'none' }) } }],
      promises: [{ id: 'r1', kept: false, fields: { what: fact(assertion('更换门头灯箱', wf, 6), { badge: 'none' }), due: fact(assertion('2026-12-10', wf, 6), { badge: 'none' }), state: fact(assertion('open', wf, 6), { badge: 'none' }) } }],
      time_windows: [{ id: 't1', kept: false, fields: { window: fact(assertion({ open: 480, close: 690, days: '12345' }, wf, 80), { badge: 'none' }) } }],
    },
    texts: { problems: { text: '上月两次拖欠货款。\n陈列位被竞品占去一半,老板答应月底调整。', by: lq, corrected_ms: now() - DAY / 4, stale: false }, strengths: { text: '社区内唯一一家,客流稳定。', by: wf, corrected_ms: now() - 100 * DAY, stale: true } },
    visits: visits.filter((visit) => visit.customer.id === id).slice(0, 6),
  };
  cards.set(id, made);
  return made;
}

const NOTES = ['老板希望增加小包装。', '冷柜温度偏高,已报修。', '隔壁新开一家便利店。', null, null];
export function visit(customer: CustomerRow, rep: Person, at: number, going = false): VisitRow {
  const outcome = one(['order', 'order', 'no_order', 'collected', 'absent', 'closed']);
  ops += 1;
  return {
    id: `v${ops}`, customer: { id: customer.id, name: customer.name }, rep, type: one(['routine', 'selling', 'collection']), outcome: going ? null : outcome, purpose: null, feedback: going ? null : one(NOTES), problems: null, next_step: outcome === 'no_order' ? '下周带样品再来' : null, next_day: null,
    check_in_ms: at, check_out_ms: going ? null : at + (8 + int(20)) * 60_000, received_ms: at + (random() < 0.2 ? 5 : 0.5) * 3_600_000, location: one(['inside', 'inside', 'inside', 'outside', 'unverified']), distance_m: int(600), clock_offset_ms: random() < 0.04 ? 72 * 3_600_000 + 180_000 : 0, amendments: random() < 0.05 ? 1 : 0, possible_double: random() < 0.03, photos: [], photos_missing: 0, complete: true,
  };
}
export const dayOf = (ms: number) => new Date(ms - new Date(ms).getTimezoneOffset() * 60_000).toISOString().slice(0, 10);
const nine = (day: string) => new Date(`${day}T09:00:00`).getTime();

export const visits: VisitRow[] = Array.from({ length: 9 }, (_, d) => reps.flatMap((rep) => Array.from({ length: 5 + int(5) }, (_, n) => visit(one(rows), rep, Math.min(now() - n * 600_000 - int(600_000), nine(dayOf(now() - d * DAY)) + n * 2_400_000 + int(900_000))))))
  .flat().concat([visit(rows[0]!, reps[0]!, now() - 3 * DAY), visit(rows[0]!, reps[1]!, now() - 17 * DAY)]).sort((a, b) => b.check_in_ms - a.check_in_ms);

export function stop(row: CustomerRow, more: Partial<TourStop> = {}): TourStop {
  return { customer: { id: row.id, name: row.name }, grade: row.grade, address: row.address, place: row.place, state: 'open', ad_hoc: false, deviates: false, urgent: false, arrive_ms: null, depart_ms: null, check_in_ms: null, check_out_ms: null, late: false, ...more };
}
const today = dayOf(now());
export const tours: Tour[] = reps.slice(0, 4).map((rep, k) => {
  const mine = rows.filter((row) => row.owner?.id === rep.id && row.place !== null).slice(k, k + 9);
  const at = nine(today);
  return {
    id: `t${rep.id}`, day: today, rep, heads: 'h1', revision: 2, published_ms: now() - 12 * 3_600_000, published_by: { id: 'zm', name: '赵敏' }, acknowledged: k === 2 ? null : { revision: k === 1 ? 1 : 2, at_ms: now() - 2 * 3_600_000 },
    stops: mine.map((row, n) => stop(row, n < 2 + k ? { state: 'visited', check_in_ms: at + n * 2_000_000, check_out_ms: at + n * 2_000_000 + 900_000 } : n === 2 + k ? { state: 'in_progress', check_in_ms: now() - 240_000 } : { arrive_ms: now() + n * 1_500_000, depart_ms: now() + n * 1_500_000 + 900_000, ad_hoc: n === 6, deviates: n === 7, urgent: n === 5 })),
    devices: [{ device: phone(rep), revision: k === 2 ? 1 : 2, last_contact_ms: now() - (k * 40 + 2) * 60_000 }],
  };
});

export const users: UserRow[] = [
  ...reps.map((rep, n): UserRow => ({ ...rep, login: rep.id, role: 'salesperson', territories: [['east', 'east', 'west', 'north', 'north'][n]!], disabled: false })),
  { id: 'zm', name: '赵敏', login: 'zhaomin', role: 'dispatcher', territories: ['east', 'west'], disabled: false }, { id: 'sl', name: '孙丽', login: 'sunli', role: 'supervisor', territories: ['east'], disabled: false },
  { id: 'cg', name: '陈刚', login: 'chengang', role: 'manager', territories: [], disabled: false }, { id: 'ad', name: '管理员', login: 'admin', role: 'admin', territories: [], disabled: false },
];
export const devices: DeviceRow[] = reps.flatMap((rep, n): DeviceRow[] => [
  { device: phone(rep), user: rep, platform: n % 2 === 0 ? 'Android 14' : 'iOS 18', enrolled_ms: now() - 90 * DAY, last_contact_ms: now() - [0.01, 0.2, 3, 0.5, 31][n]! * DAY / 4, state: 'active', photos: 0, unsent: n === 2 ? 7 : 0, quarantined: n === 4 ? 3 : 0, clock_offset_ms: n === 1 ? 259_380_000 : 400, wipe: null, missing: null },
]).concat([{ device: { id: 'old', name: '旧手机' }, user: reps[1]!, platform: 'Android 11', enrolled_ms: now() - 300 * DAY, last_contact_ms: now() - 100 * DAY, state: 'revoked', photos: 0, unsent: 0, quarantined: 0, clock_offset_ms: null, wipe: null, missing: null }]);
