// Where a page keeps its session between two loads.
import type { Kept, TokenStorage } from './credentials.js';

export interface Vault {
  read(): Promise<Kept>;
  write(kept: Kept): Promise<void>;
}

/** Cookies are kept by the browser: for them, only that a session is still to be ended. */
export function openVault(isCookie: boolean, storage: TokenStorage | undefined, key: string): Vault {
  const place = (): TokenStorage | undefined =>
    isCookie && typeof document !== 'undefined' ? globalThis.localStorage : storage;
  return {
    async read() {
      try {
        return JSON.parse((await place()?.getItem(key)) ?? '{}') as Kept;
      } catch {
        return {};
      }
    },
    async write(kept) {
      try {
        await place()?.setItem(key, JSON.stringify(kept));
      } catch {
        // Storage that is full or forbidden: the session is lost with the page, and nothing else.
      }
    },
  };
}
