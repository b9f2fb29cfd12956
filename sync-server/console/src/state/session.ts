// Who is logged in. A session that the server ends while somebody works leaves the page as it is: they log in over it and go on.
// Never here: what they may do on the server (it checks each request itself).
import { computed, ref } from 'vue';
import { onSignedOut } from '../api/client';
import { api } from '../api/endpoints';
import { closeLine, openLine } from '../api/live';
import type { Me } from '../api/types';
import { dropSchema, loadSchema } from './schema';

const me = ref<Me | null>(null);

/** The server ended the session of whoever is shown as logged in: nothing is read or written until they log in again. */
export const lapsed = ref(false);

export const session = computed(() => me.value);

let started: Promise<void> | null = null;

function lapse(): void {
  if (me.value === null || lapsed.value) return;
  closeLine();
  lapsed.value = true;
}

function checkStanding(): void {
  api.me().then((found) => (found === null ? lapse() : undefined), () => undefined); // an error here is the network
}

async function begin(found: Me): Promise<void> {
  await loadSchema();
  const missed = lapsed.value;
  me.value = found;
  lapsed.value = false;
  openLine(checkStanding, missed);
}

function end(): void {
  me.value = null;
  lapsed.value = false;
  closeLine();
  dropSchema();
}

/** Asks once, at the start of the page, whether a session stands. */
export function start(): Promise<void> {
  started ??= api
    .me()
    .then((found) => (found === null ? undefined : begin(found)))
    .catch((error: unknown) => {
      started = null;
      throw error;
    });
  return started;
}

export async function signIn(name: string, password: string): Promise<void> {
  const found = await api.login(name, password);
  // What is on the page belongs to somebody else: they get one of their own.
  if (me.value !== null && me.value.user.id !== found.user.id) return location.assign('/');
  await begin(found);
}

export async function signOut(): Promise<void> {
  try {
    await api.logout();
  } finally {
    end();
  }
}

onSignedOut(lapse);
