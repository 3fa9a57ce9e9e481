// Demo accounts, as the service publishes them if it has demo data.
import { useEffect, useState } from 'react';

export interface DemoAccount {
  readonly name: string;
  readonly email: string;
  readonly role: string;
}

export interface Demo {
  readonly accounts: readonly DemoAccount[];
  /** Shared password of the accounts; null if there are none. */
  readonly password: string | null;
}

const NONE: Demo = { accounts: [], password: null };

let demo: Promise<Demo> | undefined;

async function ask(): Promise<Demo> {
  const response = await fetch('/demo.json', { signal: AbortSignal.timeout(10_000) });
  return response.ok ? ((await response.json()) as Demo) : NONE;
}

const findDemo = (): Promise<Demo> => (demo ??= ask().catch(() => NONE));

/** The demo accounts; none without demo data or while loading. Requested once. */
export function useDemo(): Demo {
  const [known, setKnown] = useState(NONE);
  useEffect(() => {
    void findDemo().then(setKnown);
  }, []);
  return known;
}
