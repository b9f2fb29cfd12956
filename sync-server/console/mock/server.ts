// Answers the console's requests from memory, for `npm run dev` and `npm run preview`. Never shipped.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'vite';
import type { Card, Decision, EditRequest, Me, Overview, PublishRequest, ReviewItem, Sequence, SequenceRequest, Tour, VerifyRequest, VisitList } from '../src/api/types.ts';
import { schema } from './schema.ts';
import * as world from './world.ts';

type Handler = (url: URL, body: unknown, path: string[]) => unknown;
class Refusal extends Error {
  constructor(readonly status: number, readonly code: string, readonly zh: string, readonly en: string) {
    super(code);
  }
}

let signedIn = false;
let feed = 1;
const open = new Set<ServerResponse>();
const chen = { id: 'cg', name: '陈刚' };
const me = (): Me => ({ user: { ...chen, login: 'chengang', role: 'manager', territories: [] }, may: { customers: true, visits: true, oversee: true, edit: true, verify: true, decide: true, dispatch: true, administer: true, quarantine: true, file: true }, server_ms: Date.now() });

function tell(docs: { doc: string; kind: string; subject: string }[]): void {
  feed += 1;
  for (const line of open) line.write(`event: news\ndata: ${JSON.stringify({ number: feed, docs })}\n\n`);
}
function found<T>(thing: T | null | undefined): T {
  if (thing === null || thing === undefined) throw new Refusal(404, 'not_found', '没有找到。', 'Not found.');
  return thing;
}

function write(card: Card, request: EditRequest): Card {
  for (const edit of request.edits) {
    if (edit.act === 'set') card.facts[edit.field] = world.fact(world.assertion(edit.value, chen, 0, edit.source ?? 'office'));
    else if (edit.act === 'clear') delete card.facts[edit.field];
    else if (edit.act === 'add') card.sets[edit.field] = [...(card.sets[edit.field] ?? []), { element: edit.element, by: chen, corrected_ms: Date.now() }];
    else if (edit.act === 'remove') card.sets[edit.field] = (card.sets[edit.field] ?? []).filter((one) => one.element !== edit.element);
    else if (edit.act === 'text') card.texts[edit.field] = { text: edit.text, by: chen, corrected_ms: Date.now(), stale: false };
    else if (edit.act === 'confirm' && JSON.stringify(card.facts[edit.field]?.shown?.value) !== JSON.stringify(edit.value)) throw new Refusal(409, 'another_value', '此字段现在显示的是另一个值，请核对后再确认。', 'This field shows another value now: look at it before you confirm.');
    else if (edit.act === 'confirm') card.facts[edit.field] = { ...found(card.facts[edit.field]), stale: false, confirmed_ms: Date.now() };
    else if (edit.act === 'entry_remove') card.entries[edit.list] = (card.entries[edit.list] ?? []).filter((one) => one.id !== edit.entry);
    else if (edit.act === 'entry_set') {
      const list = (card.entries[edit.list] ??= []);
      let entry = list.find((one) => one.id === edit.entry);
      if (entry === undefined) list.push((entry = { id: `e${feed}-${list.length}`, kept: false, fields: {} }));
      for (const [key, value] of Object.entries(edit.values)) entry.fields[key] = world.fact(world.assertion(value, chen, 0, 'office'), { badge: 'none' });
    } else if (edit.act === 'choose') {
      const [list, id, key] = edit.field.split('/');
      const fact = id === undefined ? found(card.facts[edit.field]) : found(card.entries[list!]?.find((one) => one.id === id)?.fields[key!]);
      fact.shown = world.assertion(fact.rivals.find((one) => one.key === edit.assertion)?.value ?? null, chen, 0, 'office');
      Object.assign(fact, { rivals: [], review: false });
      card.row.review = 0;
      review = review.filter((item) => item.kind !== 'rivals');
    }
  }
  card.heads = `h${feed}`;
  tell([{ doc: card.row.id, kind: 'customer', subject: card.row.id }]);
  return card;
}

function sequence(request: SequenceRequest): Sequence {
  const rows = request.customers.map((id) => found(world.rows.find((row) => row.id === id)));
  const placed = rows.filter((row) => row.place !== null);
  const far = (a: (typeof rows)[0], b: (typeof rows)[0]) => Math.hypot((a.place!.lat - b.place!.lat) * 111_000, (a.place!.lon - b.place!.lon) * 96_000) * 1.3;
  const order = [...placed];
  if (!request.keep_order) {
    for (let n = 1; n < order.length; n += 1) {
      const rest = order.splice(n).sort((a, b) => far(order[n - 1]!, a) - far(order[n - 1]!, b));
      order.push(...rest);
    }
  }
  let at = Math.max(Date.now(), new Date(`${request.day}T08:30:00`).getTime());
  let distance = 0;
  const stops = order.map((row, n) => {
    const way = n === 0 ? 0 : far(order[n - 1]!, row);
    distance += way;
    at += way * 140;
    const arrive_ms = at;
    at += 15 * 60_000;
    return { customer: row.id, arrive_ms, depart_ms: at, late: n > 9 };
  });
  return { stops, travel_s: Math.round(distance * 0.14), distance_m: Math.round(distance), finish_ms: at, unplaced: rows.filter((row) => row.place === null).map((row) => row.id) };
}

function publish(request: PublishRequest): Tour {
  let tour = world.tours.find((one) => one.day === request.day && one.rep.id === request.rep);
  if ((tour?.heads ?? '') !== (request.heads ?? '')) throw new Refusal(409, 'conflict', '内容已被他人修改，请刷新后重试。', 'It was changed by somebody else meanwhile; read it again.');
  if (tour === undefined) {
    const rep = found(schema.reps.find((one) => one.id === request.rep));
    tour = { id: `t${request.day}${rep.id}`, day: request.day, rep, heads: '', revision: 0, published_ms: null, published_by: null, acknowledged: null, stops: [], devices: world.devices.filter((one) => one.user.id === rep.id && one.state === 'active').map((one) => ({ device: one.device, revision: null, last_contact_ms: one.last_contact_ms })) };
    world.tours.push(tour);
  }
  const before = tour.stops;
  const times = new Map(sequence({ day: request.day, rep: request.rep, customers: request.customers, keep_order: true }).stops.map((one) => [one.customer, one]));
  tour.stops = request.customers.map((id) => {
    const old = before.find((one) => one.customer.id === id) ?? world.stop(found(world.rows.find((row) => row.id === id)));
    return { ...old, urgent: request.urgent.includes(id), arrive_ms: times.get(id)?.arrive_ms ?? null };
  });
  Object.assign(tour, { revision: tour.revision + 1, published_ms: Date.now(), published_by: { id: 'zm', name: '赵敏' }, heads: `h${feed}` });
  const mine = tour;
  setTimeout(() => {
    for (const device of mine.devices) Object.assign(device, { revision: mine.revision, last_contact_ms: Date.now() });
    tell([{ doc: mine.id, kind: 'tour', subject: mine.id }]);
  }, 2500);
  return { ...tour };
}

function visits(q: URLSearchParams): VisitList {
  const all = world.visits.filter((one) => (!q.get('day') || world.dayOf(one.check_in_ms) === q.get('day')) && (!q.get('rep') || one.rep.id === q.get('rep')) && (!q.get('customer') || one.customer.id === q.get('customer')));
  const limit = Number(q.get('limit') ?? 50);
  const from = q.get('before') === null ? 0 : Number(q.get('before'));
  const counted = all.filter((one) => !one.possible_double);
  const sums = { listed: all.length, visits: counted.length, customers: new Set(all.map((one) => one.customer.id)).size, orders: counted.filter((one) => one.outcome === 'order').length };
  return { rows: all.slice(from, from + limit), going: [], next: from + limit < all.length ? String(from + limit) : null, sums: from === 0 ? sums : null };
}

const item = (more: Partial<ReviewItem>): ReviewItem => ({ id: '', kind: 'rivals', customer: { id: 'c0', name: '惠民超市' }, territory: 'east', field: 'addresses/a1/text', label: { zh: '地址', en: 'Address' }, type: 'line', value_set: null, urgent: false, since_ms: Date.now() - 5_000_000, heads: 'h', current: null, candidates: [], reason: null, ...more });
const [wf, lq] = [schema.reps[0]!, schema.reps[1]!];
let review: ReviewItem[] = [
  item({ id: 'r1', current: world.assertion('人民路21号', lq, 0.1), candidates: [world.assertion('人民路12号', wf, 0.1), world.assertion('人民路21号', lq, 0.1)] }),
  item({ id: 'r2', kind: 'report', field: 'turnover', label: { zh: '销售额', en: 'Turnover' }, type: 'money', urgent: true, current: world.assertion({ amount: 300_000_000, currency: 'CNY', period: '2025' }, { id: 'sl', name: '孙丽' }, 50, 'survey_agency'), candidates: [world.assertion({ amount: 800_000_000, currency: 'CNY', period: '2025' }, null, 2, 'customer_form')] }),
  item({ id: 'r3', kind: 'proposal', customer: { id: 'c7', name: world.rows[7]!.name }, field: 'grade', label: { zh: '客户等级', en: 'Grade' }, type: 'code', value_set: 'grade', current: world.assertion('B', chen, 90, 'office'), candidates: [world.assertion('A', lq, 1)], reason: '连续三个月订单翻倍' }),
];

function overview(from: string, to: string): Overview {
  const days: string[] = [];
  for (let at = new Date(`${from}T12:00:00`).getTime(); world.dayOf(at) <= to && days.length < 31; at += 86_400_000) days.push(world.dayOf(at));
  const of = (rep: string, day: string) => world.visits.filter((one) => one.rep.id === rep && world.dayOf(one.check_in_ms) === day);
  const overdue = (rows: typeof world.rows) => rows.filter((row) => row.due_days !== null && row.due_days < 0);
  return {
    as_of_ms: Date.now(), missing_devices: 1, days, reps: schema.reps.map((rep) => ({ rep, visits: days.map((day) => of(rep.id, day).length), planned: days.map((_, n) => 8 + ((n * 7) % 3)), orders: days.flatMap((day) => of(rep.id, day)).filter((one) => one.outcome === 'order').length })),
    grades: ['A', 'B', 'C', 'D', 'unrated'].map((grade) => { const rows = world.rows.filter((row) => row.grade === grade); return { grade, customers: rows.length, overdue: overdue(rows).length, worst_days: Math.max(0, ...rows.map((row) => -(row.due_days ?? 0))) }; }),
    customers: world.rows.length, overdue: overdue(world.rows).length, visits_today: world.visits.filter((one) => world.dayOf(one.check_in_ms) === world.dayOf(Date.now())).length, planned_today: 36, stale_customers: world.rows.filter((row) => row.stale).length, photos_missing: 0, urgent: { open: 0, unheard: 0 }, review: { rivals: review.filter((one) => one.kind === 'rivals').length, reports: review.filter((one) => one.kind === 'report').length, proposals: review.filter((one) => one.kind === 'proposal').length }, devices: world.devices,
  };
}

const routes: [string, string, Handler][] = [
  ['POST', '/api/login', (_, body) => {
    if ((body as { password: string }).password !== 'roadbook-demo') throw new Refusal(401, 'wrong_login', '用户名或密码不正确。', 'User name or password is wrong.');
    signedIn = true;
    return me();
  }],
  ['POST', '/api/logout', () => void (signedIn = false)],
  ['GET', '/api/me', () => (signedIn ? me() : null)],
  ['GET', '/api/schema', () => schema],
  ['GET', '/api/customers', (url) => { const all = world.find(url.searchParams); const offset = Number(url.searchParams.get('offset') ?? 0); return { total: all.length, more: false, offset, rows: all.slice(offset, offset + Number(url.searchParams.get('limit') ?? 100)) }; }],
  ['GET', '/api/customers/*', (_, __, [id]) => found(world.card(id!))],
  ['GET', '/api/customers/*/history', (url, _, [id]) => { const field = url.searchParams.get('field') ?? ''; const card = found(world.card(id!)); const [list, entry, key] = field.split('/'); const fact = entry === undefined ? card.facts[field] : card.entries[list!]?.find((one) => one.id === entry)?.fields[key!]; const shown = fact?.shown; return { lines: shown == null ? [] : [{ assertion: shown, act: 'asserted', shown: true }, ...fact!.rivals.filter((one) => one.key !== shown.key).map((one) => ({ assertion: one, act: 'asserted', shown: false })), { assertion: { ...world.assertion(shown.value, schema.reps[2]!, 200), key: 'old' }, act: 'confirmed', shown: false }, { assertion: world.assertion(typeof shown.value === 'string' ? `${shown.value}(旧)` : shown.value, null, 400, 'import'), act: 'asserted', shown: false }] }; }],
  ['POST', '/api/customers/*/edits', (_, body, [id]) => write(found(world.card(id!)), body as EditRequest)],
  ['POST', '/api/customers/*/verify', (_, body, [id]) => { const card = found(world.card(id!)); const ask = body as VerifyRequest; const fact = found(card.facts[ask.field]); if (ask.decision === 'accept' && fact.waiting) fact.shown = fact.waiting; Object.assign(fact, { badge: 'verified', waiting: null }); review = review.filter((one) => one.field !== ask.field); return card; }],
  ['GET', '/api/customers/*/persons', (_, __, [id]) => ({ persons: (world.card(id!)?.entries['stakeholders'] ?? []).map((entry) => ({ stakeholder: entry.id, name: String(entry.fields['name']?.shown?.value ?? ''), role: 'owner', heads: null, facts: {}, texts: {}, changed_ms: null, overdue: false, erased: null })), erased: [], may: { edit: false, erase: false } })],
  ['GET', '/api/customers/*/credit', () => ({ heads: null, facts: {}, entries: {}, badge: { hold: false }, observations: [], may: { edit: false } })],
  ['POST', '/api/customers/*/observations', () => undefined],
  ['GET', '/api/visits', (url) => visits(url.searchParams)],
  ['GET', '/api/tours', (url) => ({ day: url.searchParams.get('day') ?? '', tours: world.tours.filter((one) => one.day === url.searchParams.get('day')) })],
  ['POST', '/api/tours/sequence', (_, body) => sequence(body as SequenceRequest)],
  ['POST', '/api/tours', (_, body) => publish(body as PublishRequest)],
  ['GET', '/api/overview', (url) => overview(url.searchParams.get('from') ?? '', url.searchParams.get('to') ?? '')],
  ['GET', '/api/absences', () => ({ items: [] })],
  ['GET', '/api/urgents', () => ({ rows: [] })],
  ['GET', '/api/review', () => ({ items: review })],
  ['GET', '/api/review/count', () => ({ count: review.length })],
  ['POST', '/api/review/*', (_, body, [id]) => { void (body as Decision); review = review.filter((one) => one.id !== id); return { items: review }; }],
  ['GET', '/api/accounts', () => ({ users: world.users, devices: world.devices })],
  ['POST', '/api/accounts/users', (_, body) => { world.users.push({ id: `u${feed}`, disabled: false, ...(body as Omit<(typeof world.users)[0], 'id' | 'disabled'>) }); return { users: world.users, devices: world.devices }; }],
  ['POST', '/api/accounts/enrolments', (_, body) => ({ code: 'K7QF-3MPX', expires_ms: Date.now() + 900_000, user: found(world.users.find((one) => one.id === (body as { user: string }).user)), link: 'roadbook:enrol?server=https%3A%2F%2Froadbook.example&code=K7QF-3MPX' })],
  ['POST', '/api/accounts/devices/*/revoke', (_, __, [id]) => { found(world.devices.find((one) => one.device.id === id)).state = 'revoked'; return { users: world.users, devices: world.devices }; }],
];

function news(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(': hello\n\n');
  open.add(response);
  const timer = setInterval(() => {
    const row = world.rows[Math.floor(Math.random() * world.rows.length)]!;
    world.visits.unshift(world.visit(row, schema.reps[Math.floor(Math.random() * 5)]!, Date.now() - 30_000, true));
    tell([{ doc: world.visits[0]!.id, kind: 'visit', subject: row.id }]);
  }, 12_000);
  response.on('close', () => { clearInterval(timer); open.delete(response); });
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://mock');
  if (signedIn && url.pathname === '/api/news') return news(response);
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body: unknown = chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString());
  const say = (status: number, what: unknown) => response.writeHead(status, { 'content-type': 'application/json' }).end(what === undefined ? '' : JSON.stringify(what));
  try {
    if (!signedIn && url.pathname !== '/api/login' && url.pathname !== '/api/me') throw new Refusal(401, 'signed_out', '请先登录。', 'Please sign in.');
    for (const [method, pattern, handler] of routes) {
      const parts = pattern.split('/');
      const asked = url.pathname.split('/').map(decodeURIComponent);
      if (method !== request.method || parts.length !== asked.length || !parts.every((part, n) => part === '*' || part === asked[n])) continue;
      const what = handler(url, body, asked.filter((_, n) => parts[n] === '*'));
      say(what === undefined ? 204 : 200, what);
      return;
    }
    throw new Refusal(404, 'no_endpoint', '没有这个接口。', 'No such endpoint.');
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    say(error.status, { error: { code: error.code, message_zh: error.zh, message_en: error.en } });
  }
}

/** The policy that the server sends with every page: previews keep to it, so that a breach shows here first. */
const POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";

export function mockServer(): Plugin {
  const serve = (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    if (request.url?.startsWith('/api/') === true) void answer(request, response);
    else next();
  };
  return {
    name: 'roadbook-mock',
    configureServer: (server) => void server.middlewares.use(serve),
    configurePreviewServer: (server) => void server.middlewares.use((request, response, next) => {
      response.setHeader('content-security-policy', POLICY);
      serve(request, response, next);
    }),
  };
}
