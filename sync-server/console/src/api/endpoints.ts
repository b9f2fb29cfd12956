// Every endpoint of the console as one typed function. Never here: state, or anything shown.
import { get, post } from './client';
import type * as t from './types';

const enc = encodeURIComponent;

export const api = {
  me: () => get<t.Me | null>('/api/me'),
  login: (name: string, password: string) => post<t.Me>('/api/login', { name, password }),
  logout: () => post<void>('/api/logout'),
  schema: () => get<t.Schema>('/api/schema'),

  customers: (query: t.CustomerQuery, signal?: AbortSignal) => get<t.CustomerList>('/api/customers', { ...query }, signal),
  card: (id: t.Id, signal?: AbortSignal) => get<t.Card>(`/api/customers/${enc(id)}`, {}, signal),
  history: (id: t.Id, field: string, signal?: AbortSignal) =>
    get<{ lines: t.HistoryLine[] }>(`/api/customers/${enc(id)}/history`, { field }, signal),
  edit: (id: t.Id, request: t.EditRequest) => post<t.Card>(`/api/customers/${enc(id)}/edits`, request),
  verify: (id: t.Id, request: t.VerifyRequest) => post<t.Card>(`/api/customers/${enc(id)}/verify`, request),

  persons: (id: t.Id, signal?: AbortSignal) => get<t.StakeholderList>(`/api/customers/${enc(id)}/persons`, {}, signal),
  describe: (id: t.Id, request: t.DescribeRequest) => post<t.StakeholderList>(`/api/customers/${enc(id)}/persons`, request),
  erase: (id: t.Id, request: t.EraseRequest) => post<t.StakeholderList>(`/api/customers/${enc(id)}/persons/erase`, request),
  credit: (id: t.Id, signal?: AbortSignal) => get<t.CreditFile>(`/api/customers/${enc(id)}/credit`, {}, signal),
  editCredit: (id: t.Id, request: { heads: string | null; edits: t.CreditEdit[] }) => post<t.CreditFile>(`/api/customers/${enc(id)}/credit`, request),
  observe: (id: t.Id, text: string) => post<void>(`/api/customers/${enc(id)}/observations`, { text }),

  visits: (query: t.VisitQuery, signal?: AbortSignal) => get<t.VisitList>('/api/visits', { ...query }, signal),

  tours: (day: t.Day, signal?: AbortSignal) => get<t.TourList>('/api/tours', { day }, signal),
  sequence: (request: t.SequenceRequest) => post<t.Sequence>('/api/tours/sequence', request),
  publish: (request: t.PublishRequest) => post<t.Tour>('/api/tours', request),

  overview: (from: t.Day, to: t.Day, signal?: AbortSignal) => get<t.Overview>('/api/overview', { from, to }, signal),
  absences: (signal?: AbortSignal) => get<{ items: t.Absence[] }>('/api/absences', {}, signal),
  absence: (no: number, signal?: AbortSignal) => get<t.AbsenceReport>(`/api/absences/${no}`, {}, signal),
  urgents: (open: boolean, signal?: AbortSignal) => get<t.UrgentList>('/api/urgents', open ? { open: 1 } : {}, signal),
  handleUrgent: (id: t.Id, what: t.UrgentAct) => post<t.UrgentList>(`/api/urgents/${enc(id)}`, { what, note: null }),
  review: (signal?: AbortSignal) => get<t.ReviewList>('/api/review', {}, signal),
  reviewCount: (signal?: AbortSignal) => get<{ count: number }>('/api/review/count', {}, signal),
  decide: (id: string, decision: t.Decision) => post<t.ReviewList>(`/api/review/${enc(id)}`, decision),

  accounts: (signal?: AbortSignal) => get<t.Accounts>('/api/accounts', {}, signal),
  addUser: (user: t.NewUser) => post<t.Accounts>('/api/accounts/users', user),
  enrol: (user: t.Id) => post<t.Enrolment>('/api/accounts/enrolments', { user }),
  wipe: (device: t.Id) => post<t.Missing>(`/api/accounts/devices/${enc(device)}/wipe`),
  quarantine: (state: t.DeskState | 'all', signal?: AbortSignal) => get<t.Desk>('/api/quarantine', { state }, signal),
  quarantineCount: (signal?: AbortSignal) => get<{ count: number }>('/api/quarantine/count', {}, signal),
  approve: (ids: number[], remark: string) => post<t.DeskDone>('/api/quarantine/approve', { ids, remark }),
  reject: (ids: number[], remark: string) => post<t.DeskDone>('/api/quarantine/reject', { ids, remark }),
  late: (signal?: AbortSignal) => get<{ items: t.LateItem[] }>('/api/late', {}, signal),
  transfers: (signal?: AbortSignal) => get<t.TransferList>('/api/transfers', {}, signal),
  planTransfer: (request: t.TransferRequest, signal?: AbortSignal) => post<{ cards: t.CardCheck[] }>('/api/transfers/plan', request, signal),
  transfer: (request: t.TransferRequest) => post<t.TransferList>('/api/transfers', request),
  revoke: (device: t.Id) => post<t.Accounts>(`/api/accounts/devices/${enc(device)}/revoke`),
};
