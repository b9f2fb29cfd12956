// Who is logged in. Never here: what they may do on the server (it checks each request itself).
import { computed, ref } from 'vue';
import { onSignedOut } from '../api/client';
import { api } from '../api/endpoints';
import { closeLine, openLine } from '../api/live';
import type { Me } from '../api/types';
import { dropSchema, loadSchema } from './schema';

const me = ref<Me | null>(null);

/** Set when the server ended a session that this page still believed in. */
export const expired = ref(false);

export const session = computed(() => me.value);

let started: Promise<void> | null = null;

function lapse(): void {
  if (me.value === null) return;
  end();
  expired.value = true;
}

function checkStanding(): void {
  api.me().then((found) => (found === null ? lapse() : undefined), () => undefined); // an error here is the network
}

async function begin(found: Me): Promise<void> {
  await loadSchema();
  me.value = found;
  expired.value = false;
  openLine(checkStanding);
}

function end(): void {
  me.value = null;
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
  await begin(await api.login(name, password));
}

export async function signOut(): Promise<void> {
  try {
    await api.logout();
  } finally {
    end();
  }
}

onSignedOut(lapse);
