// Storage of the session between loads of a page.
import type { StoredSession, TokenStorage } from './credentials.js';

export interface CredentialStore {
  read(): Promise<StoredSession>;
  write(kept: StoredSession): Promise<void>;
}

/** The browser keeps cookies itself. With cookies, only a pending sign-out is stored. */
export function openCredentialStore(
  isCookie: boolean,
  storage: TokenStorage | undefined,
  key: string,
): CredentialStore {
  const place = (): TokenStorage | undefined =>
    isCookie && typeof document !== 'undefined' ? globalThis.localStorage : storage;
  return {
    async read() {
      try {
        return JSON.parse((await place()?.getItem(key)) ?? '{}') as StoredSession;
      } catch {
        return {};
      }
    },
    async write(kept) {
      try {
        await place()?.setItem(key, JSON.stringify(kept));
      } catch {
        // The storage is full or denied: the session lasts as long as the page.
      }
    },
  };
}
