// The contract between the console and the server's JSON endpoints: one place, shapes only.
// Never here: how a request is sent (client.ts), or how a value is shown.
//
// Names are as on the wire (snake_case). Times end in `_ms`: milliseconds since 1970. Ids are opaque strings.
// Every error is `{"error": {"code", "message_zh", "message_en"}}` with a matching status.

export type Id = string;
export type Ms = number;
/** A calendar day, `YYYY-MM-DD`. */
export type Day = string;

export interface Label {
  zh: string;
  en: string;
}

export interface ErrorBody {
  error: { code: string; message_zh: string; message_en: string };
}

// ---------------------------------------------------------------- who am I

export type Role = 'salesperson' | 'dispatcher' | 'supervisor' | 'manager' | 'finance' | 'admin';

export interface Person {
  id: Id;
  name: string;
}

/** `GET /api/me` (`null` when nobody is logged in), and the answer of `POST /api/login` with `{name, password}`. */
export interface Me {
  user: Person & { login: string; role: Role; territories: string[] };
  /** What the pages offer; the server checks each request again. */
  may: { customers: boolean; visits: boolean; oversee: boolean; edit: boolean; verify: boolean; decide: boolean; dispatch: boolean; administer: boolean; quarantine: boolean; file: boolean };
  server_ms: Ms;
}

// ---------------------------------------------------------------- schema

/** How a field merges, as core's schema says: a `fact` has a verified slot, a `register` has none. */
export type Merge = 'fact' | 'register' | 'set' | 'entries' | 'text' | 'log' | 'counter' | 'once';

/** What a value looks like, as core's schema says. */
export type ValueType =
  | 'line'
  | 'prose'
  | 'integer'
  | 'money'
  | 'date'
  | 'code'
  | 'rating'
  | 'phone'
  | 'geo'
  | 'bool'
  | 'window'
  | 'uscc'
  | 'reference'
  | 'instant'
  | 'stamp'
  | 'person'
  | 'territory'
  | 'structure';

export interface ValueOption {
  code: string;
  label: Label;
  retired: boolean;
}

export interface FieldSchema {
  key: string;
  label: Label;
  section: string;
  merge: Merge;
  type: ValueType;
  /** Name of a value set in `Schema.value_sets`; with type `code`, and with sets that draw on one. */
  value_set: string | null;
  min: number | null;
  max: number | null;
  chars_max: number | null;
  /** Authority class: A free, B material, C guarded, D the server's own. */
  class: 'A' | 'B' | 'C' | 'D';
  fresh_days: number | null;
  /** The fields of one entry, with merge `entries` and `log`; else empty. */
  fields: FieldSchema[];
}

export interface SectionSchema {
  name: string;
  label: Label;
}

export interface KindSchema {
  kind: string;
  label: Label;
  sections: SectionSchema[];
  fields: FieldSchema[];
}

export interface Territory {
  id: string;
  name: string;
  parent: string | null;
}

/** `GET /api/schema`: labels, value sets and rules, so that nothing of them is written down twice. */
export interface Schema {
  version: number;
  /** Minutes east of UTC of the company's calendar: days are its days, wherever the browser is. */
  offset_minutes: number;
  kinds: KindSchema[];
  value_sets: Record<string, ValueOption[]>;
  territories: Territory[];
  /** Everybody who may own a customer or drive a tour: for choosing. */
  reps: Person[];
  /** Everybody with an account, also one that is switched off: for names. */
  people: Person[];
}

// ---------------------------------------------------------------- values and assertions

export interface Money {
  /** In hundredths of the currency unit (fen). */
  amount: number;
  /** ISO 4217. */
  currency: string;
  as_of?: string;
  /** `2025`, `2025-07`, `2025-Q3`. */
  period?: string;
}

/** A position as recorded: WGS-84, in 1e-7 degrees. */
export interface Geo {
  lat: number;
  lon: number;
  accuracy_m?: number;
}

export interface Rating {
  /** 1 to 5. */
  score: number;
  reason?: string;
}

/** Hours in which somebody is there. */
export interface Window {
  /** Minutes since local midnight. */
  open: number;
  close: number;
  /** Digits 1 to 7, Monday first. */
  days?: string;
}

export type Value = string | number | boolean | null | Value[] | { [name: string]: Value };

/** A position in degrees, for lists and maps. */
export interface Place {
  lat: number;
  lon: number;
}

/** One assertion of one value, with where it comes from. */
export interface Assertion {
  /** Names this assertion inside its document; opaque. */
  key: string;
  value: Value;
  source: string | null;
  source_doc: string | null;
  observed_ms: Ms | null;
  by: Person | null;
  device: Person | null;
  /** The device's clock, and the same instant corrected by the server's measurement. */
  claimed_ms: Ms;
  corrected_ms: Ms;
}

/** How a fact is to be read: see the display rule. */
export type Badge =
  | 'none'
  | 'verified'
  | 'unverified'
  /** A newer report differs from the verified value; class A shows the report. */
  | 'was_verified'
  /** A newer report differs from the verified value; classes B and C show the verified one. */
  | 'report_waiting';

export interface Fact {
  shown: Assertion | null;
  badge: Badge;
  /** The verified value, where there is one. */
  verified: (Assertion & { verified_by: Person | null; verified_ms: Ms | null }) | null;
  /** The newer report that waits, with badge `report_waiting`. */
  waiting: Assertion | null;
  /** Everything asserted concurrently, two or more; empty when there is nothing to choose. */
  rivals: Assertion[];
  /** True where a person must choose between the rivals. */
  review: boolean;
  stale: boolean;
  confirmed_ms: Ms | null;
}

export interface SetElement {
  element: string;
  by: Person | null;
  corrected_ms: Ms;
}

export interface Entry {
  id: string;
  fields: Record<string, Fact>;
  /** Somebody removed it while somebody else edited it: the edit won. */
  kept: boolean;
}

export interface Prose {
  text: string;
  by: Person | null;
  corrected_ms: Ms | null;
  stale: boolean;
}

/** `GET /api/customers/{id}` */
export interface Card {
  row: CustomerRow;
  /** The heads that a form shows; sent back with the edit. Opaque. */
  heads: string;
  facts: Record<string, Fact>;
  sets: Record<string, SetElement[]>;
  /** Lists and logs; the fields of an entry are facts without a verified slot. */
  entries: Record<string, Entry[]>;
  texts: Record<string, Prose>;
  /** Share of weighted fields that hold something, and that are fresh; 0 to 100. */
  complete_percent: number;
  fresh_percent: number;
  may: { edit: boolean; verify: boolean; persons: boolean; credit: boolean; observe: boolean };
  /** The newest ones; more by `GET /api/visits?customer=`. */
  visits: VisitRow[];
}

/** One line of a field's history, newest first: `GET /api/customers/{id}/history?field=`. */
export interface HistoryLine {
  assertion: Assertion;
  /** What the line did: wrote a value, confirmed it, verified it, removed an entry. */
  act: 'asserted' | 'confirmed' | 'verified' | 'removed';
  shown: boolean;
}

/** One change to a card. */
export type Edit =
  | { act: 'set'; field: string; value: Value; source?: string; observed_ms?: Ms }
  | { act: 'clear'; field: string }
  | { act: 'add'; field: string; element: string }
  | { act: 'remove'; field: string; element: string }
  | { act: 'entry_set'; list: string; entry: string | null; values: Record<string, Value> }
  | { act: 'entry_remove'; list: string; entry: string }
  | { act: 'text'; field: string; text: string }
  | { act: 'move'; list: string; entry: string; field: string; by: number }
  /** `value` as the page shows it; 409 when the card shows another one by now. */
  | { act: 'confirm'; field: string; value: Value }
  | { act: 'choose'; field: string; assertion: string };

/** `POST /api/customers/{id}/edits`; the answer is the new `Card`. What the user may not write becomes a proposal. */
export interface EditRequest {
  heads: string;
  edits: Edit[];
}

/** `POST /api/customers/{id}/verify`; the answer is the new `Card`. */
export interface VerifyRequest {
  field: string;
  assertion: string;
  decision: 'accept' | 'reject';
  /** A code of value set `verify_method`. */
  method: string;
  reason: string | null;
}

// ---------------------------------------------------------------- phones that were away

/** A phone that came back after a long time: `GET /api/absences`. */
export interface Absence {
  no: number;
  device: Person;
  user: Person;
  left_ms: Ms;
  back_ms: Ms;
  days: number;
  /** `null`: it is still handing in. */
  until_ms: Ms | null;
}

export interface Decided {
  open: number;
  accepted: number;
  rejected: number;
}

/** What became of values on cards. */
export interface Fate {
  shown: number;
  beside: number;
  superseded: number;
}

/** `GET /api/absences/{id}`: what it handed in and what became of it, as things stand now. */
export interface AbsenceReport {
  absence: Absence;
  handed_in: Record<string, { documents: number; changes: number }>;
  values: Fate;
  reviews: number;
  late: number;
  proposals: Decided;
  asked: Decided;
  /** By code of the reason. */
  set_aside: Record<string, { open: number; admitted: number; rejected: number }>;
  known: number;
  visits_double: number;
  customers: { customer: Id | null; changes: number; values: Fate; reviews: number; late: number; set_aside: number; reassigned: boolean; archived: boolean; united: boolean }[];
  reassigned: number;
  archived: number;
  united: number;
  /** Names of `customers` that the reader may know, in the same order. */
  names: (Person | null)[];
}

// ---------------------------------------------------------------- what few may know

/** What stays of something that was erased. */
export interface Tombstone {
  at_ms: Ms;
  by: Person;
  asked_by: string;
  reason: string;
}

/** A stakeholder of the card, with what is known of them. */
export interface Stakeholder {
  stakeholder: string;
  name: string | null;
  /** A code of value set `stakeholder_role`. */
  role: string | null;
  /** `null`: nothing is known yet. */
  heads: string | null;
  facts: Record<string, Fact>;
  texts: Record<string, string>;
  changed_ms: Ms | null;
  overdue: boolean;
  erased: Tombstone | null;
}

/** `GET /api/customers/{id}/persons`; 403 for whoever reads the card and not this. */
export interface StakeholderList {
  persons: Stakeholder[];
  /** Of people who are on the card no more. */
  erased: Tombstone[];
  may: { edit: boolean; erase: boolean };
}

/** `POST /api/customers/{id}/persons`; the answer is the new list. */
export interface DescribeRequest {
  stakeholder: string;
  heads: string | null;
  edits: ({ act: 'set'; field: string; value: Value } | { act: 'clear'; field: string } | { act: 'text'; field: string; text: string })[];
}

/** `POST /api/customers/{id}/persons/erase`; the answer is the new list. It cannot be undone. */
export interface EraseRequest {
  stakeholder: string;
  asked_by: string;
  reason: string;
}

/** What phones see of a credit file: the value of the office side's `credit_badge`. */
export type CreditBadge = {
  grade?: string | null;
  terms?: string | null;
  used_percent?: number | null;
  hold: boolean;
};

/** `GET /api/customers/{id}/credit`; 403 for whoever reads the card and not this. */
export interface CreditFile {
  /** `null`: there is none yet. */
  heads: string | null;
  facts: Record<string, Fact>;
  entries: Record<string, Entry[]>;
  badge: CreditBadge;
  observations: { id: Id; text: string; by: Person | null; at_ms: Ms }[];
  may: { edit: boolean };
}

export type CreditEdit = { act: 'set'; field: string; value: Value } | { act: 'clear'; field: string } | { act: 'record'; log: string; value: Value };

// ---------------------------------------------------------------- lists

export interface CustomerRow {
  id: Id;
  name: string;
  grade: string | null;
  business_type: string | null;
  lifecycle: string | null;
  territory: string | null;
  owner: Person | null;
  address: string | null;
  phone: string | null;
  place: Place | null;
  last_visit_ms: Ms | null;
  interval_days: number | null;
  /** Days until the next visit is due; negative when overdue; null when no interval applies. */
  due_days: number | null;
  /** More than half of what is known is older than it may be. */
  stale: boolean;
  complete_percent: number;
  /** Fields on which people disagree. */
  review: number;
  /** Reports that wait for verification. */
  waiting: number;
}

export type CustomerSort = 'name' | 'grade' | 'territory' | 'last_visit' | 'due' | 'stale' | 'review';

/** Query of `GET /api/customers`. */
export interface CustomerQuery {
  q?: string;
  territory?: string;
  owner?: Id;
  grade?: string;
  type?: string;
  stale?: boolean;
  overdue?: boolean;
  review?: boolean;
  sort?: CustomerSort;
  descending?: boolean;
  offset?: number;
  /** At most 200. */
  limit?: number;
}

export interface CustomerList {
  total: number;
  /** A search found more than it lists: `total` is then a lower bound. */
  more: boolean;
  offset: number;
  rows: CustomerRow[];
}

export interface VisitRow {
  id: Id;
  customer: Person;
  rep: Person;
  type: string | null;
  outcome: string | null;
  purpose: string | null;
  feedback: string | null;
  problems: string | null;
  next_step: string | null;
  next_day: Day | null;
  check_in_ms: Ms;
  /** Null while the visit goes on, and where nobody checked out. */
  check_out_ms: Ms | null;
  received_ms: Ms | null;
  /** `inside`, `outside`, `unverified`, `mock_suspected`. */
  location: string | null;
  distance_m: number | null;
  clock_offset_ms: Ms | null;
  amendments: number;
  possible_double: boolean;
  photos: Photo[];
  /** Originals that headquarters does not hold yet (待传). */
  photos_missing: number;
  /** Everything that the visit names is held. */
  complete: boolean;
}

/** A photo of a visit: addresses of its bytes, null while headquarters waits for them. */
export interface Photo {
  kind: string;
  taken_ms: Ms;
  mime: string;
  bytes: number;
  original: string | null;
  thumbnail: string | null;
}

/** Query of `GET /api/visits`: newest first. `before` is the `next` of the page before. */
export interface VisitQuery {
  rep?: Id;
  customer?: Id;
  day?: Day;
  before?: string;
  limit?: number;
}

/** Over the whole question; what goes on now counts as a visit. */
export interface VisitSums {
  /** Sealed visits, possible doubles among them: as many as the pages hold together. */
  listed: number;
  visits: number;
  customers: number;
  orders: number;
}

export interface VisitList {
  /** Sealed visits. */
  rows: VisitRow[];
  /** Visits that go on now; with the first page of a day only. */
  going: VisitRow[];
  /** Where this page ended; null when nothing is left. Opaque. */
  next: string | null;
  /** With the first page of a day or a customer. */
  sums: VisitSums | null;
}

// ---------------------------------------------------------------- tours

export type StopState = 'open' | 'in_progress' | 'visited' | 'skipped' | 'visited_removed';

export interface TourStop {
  customer: Person;
  grade: string | null;
  address: string | null;
  place: Place | null;
  state: StopState;
  ad_hoc: boolean;
  /** The rep put it somewhere else than the plan says. */
  deviates: boolean;
  urgent: boolean;
  arrive_ms: Ms | null;
  depart_ms: Ms | null;
  check_in_ms: Ms | null;
  check_out_ms: Ms | null;
  late: boolean;
}

export interface TourDevice {
  device: Person;
  /** The newest plan revision it has taken; null when none. */
  revision: number | null;
  last_contact_ms: Ms | null;
}

export interface Tour {
  id: Id;
  day: Day;
  rep: Person;
  heads: string;
  /** Count of published plans; 0 when none yet. */
  revision: number;
  published_ms: Ms | null;
  published_by: Person | null;
  acknowledged: { revision: number; at_ms: Ms } | null;
  stops: TourStop[];
  devices: TourDevice[];
}

/** `GET /api/tours?day=` */
export interface TourList {
  day: Day;
  tours: Tour[];
}

/** `POST /api/tours/sequence`: times for the given order, or for the best one. */
export interface SequenceRequest {
  day: Day;
  rep: Id;
  customers: Id[];
  keep_order: boolean;
}

export interface SequenceStop {
  customer: Id;
  arrive_ms: Ms;
  depart_ms: Ms;
  late: boolean;
}

export interface Sequence {
  stops: SequenceStop[];
  travel_s: number;
  distance_m: number;
  finish_ms: Ms;
  /** Customers without coordinates: kept at the end, in the order given. */
  unplaced: Id[];
}

/** `POST /api/tours`: publishes a plan; the answer is the `Tour`. */
export interface PublishRequest {
  day: Day;
  rep: Id;
  customers: Id[];
  urgent: Id[];
  /** The heads that the page showed; null when there was no tour. */
  heads: string | null;
}

// ---------------------------------------------------------------- overview

/** `GET /api/overview?from=&to=` */
export interface Overview {
  as_of_ms: Ms;
  /** Devices that have not been in contact for a day: their work is missing from every figure. */
  missing_devices: number;
  days: Day[];
  reps: { rep: Person; visits: number[]; planned: number[]; orders: number }[];
  grades: { grade: string | null; customers: number; overdue: number; worst_days: number }[];
  customers: number;
  overdue: number;
  visits_today: number;
  planned_today: number;
  stale_customers: number;
  /** Originals of the days' visits that headquarters does not hold yet. */
  photos_missing: number;
  /** Reports that are not closed, and those of them that nobody has acknowledged. */
  urgent: { open: number; unheard: number };
  review: { rivals: number; reports: number; proposals: number };
  devices: DeviceRow[];
}

// ---------------------------------------------------------------- urgent reports

export interface Urgent {
  id: Id;
  kind: string;
  severity: string;
  state: 'open' | 'taken' | 'closed';
  /** The name is empty for who may not know the customer. */
  customer: Person | null;
  territory: string | null;
  text: string;
  by: Person | null;
  reported_ms: Ms;
  arrived_ms: Ms | null;
  acknowledged_ms: Ms | null;
  escalated_ms: Ms | null;
  escalated_to: Person | null;
  /** A small picture as a data address. */
  picture: string | null;
  handling: { what: string; note: string | null; by: Person | null; at_ms: Ms }[];
  may_handle: boolean;
}

/** `GET /api/urgents?open=1` */
export interface UrgentList {
  rows: Urgent[];
}

/** `POST /api/urgents/{id}` */
export type UrgentAct = 'acknowledged' | 'taken' | 'closed';

// ---------------------------------------------------------------- review

export interface ReviewItem {
  id: string;
  kind: 'rivals' | 'report' | 'proposal';
  customer: Person;
  territory: string | null;
  field: string;
  /** Label of the field, also where it sits inside a list entry. */
  label: Label;
  type: ValueType;
  value_set: string | null;
  urgent: boolean;
  since_ms: Ms;
  heads: string;
  /** What stands now: the verified value, or what is shown. */
  current: Assertion | null;
  /** What waits for a decision. */
  candidates: Assertion[];
  reason: string | null;
}

/** `GET /api/review`; `GET /api/review/count` answers `{count}` alone. */
export interface ReviewList {
  items: ReviewItem[];
}

/** `POST /api/review/{id}`; the answer is the new `ReviewList`. */
export interface Decision {
  decision: 'choose' | 'accept' | 'reject';
  assertion: string | null;
  heads: string;
  reason: string | null;
}

// ---------------------------------------------------------------- accounts

export interface UserRow {
  id: Id;
  login: string;
  name: string;
  role: Role;
  territories: string[];
  disabled: boolean;
}

export interface DeviceRow {
  device: Person;
  user: Person;
  platform: string | null;
  enrolled_ms: Ms;
  last_contact_ms: Ms | null;
  /** `drain`: may only hand in what it still has, into quarantine. */
  state: 'active' | 'drain' | 'revoked';
  unsent: number | null;
  /** Photos that it said it still had to hand in. */
  photos: number | null;
  quarantined: number;
  clock_offset_ms: Ms | null;
  /** Ordered to be wiped, or told so already. */
  wipe: 'ordered' | 'told' | null;
  /** Of a phone that is not expected back: what can be missing at most, by its last heartbeat. */
  missing: Missing | null;
}

export interface Missing {
  records: number;
  photos: number;
  since_ms: Ms | null;
}

// ---------------------------------------------------------------- quarantine

export type DeskState = 'open' | 'approved' | 'rewritten' | 'rejected' | 'resent';

/** One change that was set aside. */
export interface DeskItem {
  id: number;
  state: DeskState;
  code: string;
  /** Chinese, ` · `, English. */
  why: string;
  kind: string;
  customer: Person | null;
  device: Person | null;
  person: Person;
  received_ms: Ms;
  /** By its writer's clock. */
  claimed_ms: Ms | null;
  says: { field: string; label: Label; value: string }[];
  decided_ms: Ms | null;
  decided_by: Person | null;
  remark: string;
}

/** `GET /api/quarantine` */
export interface Desk {
  items: DeskItem[];
  open: number;
}

/** `POST /api/quarantine/approve`, `…/reject` */
export interface DeskDone {
  approved: number[];
  rewritten: number[];
  rejected: number;
  impossible: { id: number; why: string }[];
  desk: Desk;
}

/** `GET /api/late` */
export interface LateItem {
  customer: Person;
  author: Person;
  changes: number;
  received_ms: Ms;
}

/** What to look after at one card of a hand-over. */
export interface CardCheck {
  customer: Id;
  name: string;
  to_pool: boolean;
  promises: string[];
  placed: string[];
  /** Keys of fields. */
  stale: string[];
  open_matters: number;
  last_visit: Ms | null;
  stops: number;
}

/** A hand-over that was made. */
export interface TransferItem {
  no: number;
  at_ms: Ms;
  by: Person | null;
  leaver: Person;
  winner: Person | null;
  cards: CardCheck[];
}

/** `GET /api/transfers`; `people` can give, and take unless they are disabled. */
export interface TransferList {
  items: TransferItem[];
  people: (Person & { disabled: boolean })[];
}

/** `POST /api/transfers`, and `POST /api/transfers/plan`, which changes nothing. An empty `only` is every card within reach. */
export interface TransferRequest {
  leaver: Id;
  winner: Id | null;
  pool: Id[];
  only: Id[];
}

/** `GET /api/accounts` */
export interface Accounts {
  users: UserRow[];
  devices: DeviceRow[];
}

/** `POST /api/accounts/users` */
export interface NewUser {
  login: string;
  name: string;
  role: Role;
  territories: string[];
  password: string;
}

/** Answer of `POST /api/accounts/enrolments` with `{user}`: shown once, never again. */
export interface Enrolment {
  code: string;
  expires_ms: Ms;
  user: Person;
  /** What the QR code holds: the server's address and the code. */
  link: string;
}

// ---------------------------------------------------------------- news

/** One event of `GET /api/news` (server-sent events, event name `news`). */
export interface News {
  /** Where the feed stands. */
  number: number;
  /** What changed; null when too much did, and everything on the page should be read again. */
  docs: { doc: Id; kind: string; subject: Id }[] | null;
}
