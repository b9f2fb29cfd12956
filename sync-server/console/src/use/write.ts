// Writing from a form or panel: busy while it is under way, said when it is done, told when it failed. Never here: what is written.
import { ref, type Ref } from 'vue';
import { done, failed } from '../state/toasts';

export interface Writer {
  busy: Ref<boolean>;
  /** Resolves to whether it is stored. */
  write: (send: () => Promise<void>, said: string) => Promise<boolean>;
}

export function useWrite(): Writer {
  const busy = ref(false);
  async function write(send: () => Promise<void>, said: string): Promise<boolean> {
    busy.value = true;
    try {
      await send();
      done(said);
      return true;
    } catch (cause) {
      failed(cause);
      return false;
    } finally {
      busy.value = false;
    }
  }
  return { busy, write };
}
