// The addresses of the rooms, and who is sent to the log-in first. The server answers unknown paths with index.html.
import { watch } from 'vue';
import { createRouter, createWebHistory } from 'vue-router';
import { t } from './i18n';
import type { Messages } from './i18n/zh';
import type { Me } from './api/types';
import type { IconName } from './parts/Icon.vue';
import { session, start } from './state/session';

export type RoomName = 'customers' | 'visits' | 'dispatch' | 'overview' | 'review' | 'quarantine' | 'transfer' | 'accounts';

export interface Room {
  name: RoomName;
  icon: IconName;
  /** Who sees it in the navigation. */
  open: (me: Me) => boolean;
}

export const rooms: Room[] = [
  { name: 'customers', icon: 'customers', open: (me) => me.may.customers },
  { name: 'visits', icon: 'visits', open: (me) => me.may.visits },
  { name: 'dispatch', icon: 'dispatch', open: (me) => me.may.dispatch },
  { name: 'overview', icon: 'overview', open: (me) => me.may.oversee },
  { name: 'review', icon: 'review', open: (me) => me.may.decide || me.may.verify },
  { name: 'quarantine', icon: 'shield', open: (me) => me.may.quarantine },
  { name: 'transfer', icon: 'handover', open: (me) => me.may.file },
  { name: 'accounts', icon: 'accounts', open: (me) => me.may.administer },
];

declare module 'vue-router' {
  interface RouteMeta {
    room?: RoomName;
    open?: boolean;
  }
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', name: 'start', component: () => import('./rooms/NowhereRoom.vue') },
    { path: '/login', name: 'login', meta: { open: true }, component: () => import('./rooms/login/LoginRoom.vue') },
    { path: '/customers', name: 'customers', meta: { room: 'customers' }, component: () => import('./rooms/customers/CustomersRoom.vue') },
    { path: '/customers/:id', name: 'card', meta: { room: 'customers' }, props: true, component: () => import('./rooms/card/CardRoom.vue') },
    { path: '/visits', name: 'visits', meta: { room: 'visits' }, component: () => import('./rooms/visits/VisitsRoom.vue') },
    { path: '/dispatch', name: 'dispatch', meta: { room: 'dispatch' }, component: () => import('./rooms/dispatch/DispatchRoom.vue') },
    { path: '/overview', name: 'overview', meta: { room: 'overview' }, component: () => import('./rooms/overview/OverviewRoom.vue') },
    { path: '/review', name: 'review', meta: { room: 'review' }, component: () => import('./rooms/review/ReviewRoom.vue') },
    { path: '/quarantine', name: 'quarantine', meta: { room: 'quarantine' }, component: () => import('./rooms/quarantine/QuarantineRoom.vue') },
    { path: '/transfer', name: 'transfer', meta: { room: 'transfer' }, component: () => import('./rooms/transfer/TransferRoom.vue') },
    { path: '/accounts', name: 'accounts', meta: { room: 'accounts' }, component: () => import('./rooms/accounts/AccountsRoom.vue') },
    { path: '/:rest(.*)*', name: 'nowhere', meta: { open: true }, component: () => import('./rooms/NowhereRoom.vue') },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

/** A path of this console to go on to after logging in; anything else is not followed. */
export function onward(next: unknown): string {
  return typeof next === 'string' && next.startsWith('/') && !next.startsWith('//') && !next.startsWith('/login') ? next : '/';
}

router.beforeEach(async (to) => {
  await start();
  const me = session.value;
  if (to.name === 'login') return me === null ? true : onward(to.query['next']);
  if (to.meta.open === true) return true;
  if (me === null) return { name: 'login', query: to.name === 'start' ? {} : { next: to.fullPath } };
  const wanted = rooms.find((room) => room.name === to.meta.room);
  if (wanted?.open(me) === true) return true;
  // Nowhere in particular, or a room that is not for this person: the first one that is.
  const first = rooms.find((room) => room.open(me));
  return first === undefined ? true : { name: first.name };
});

/** The tab's title: where, then what. */
export function title(words: Messages, room: RoomName | undefined): string {
  return room === undefined ? words.product : `${words.nav[room]} · ${words.product}`;
}

watch([() => router.currentRoute.value.meta.room, t], () => (document.title = title(t.value, router.currentRoute.value.meta.room)), { immediate: true });
