// Shows a page to signed-in users, and the sign-in form to others. The address stays, so the page appears after sign-in.
import { useSession } from '@tidings/client/react';
import { type ReactNode, Suspense, useEffect, useState } from 'react';
import { Notice } from './frame/notice.js';
import { SignInPage } from './sign-in/sign-in-page.js';

export function Gate({
  prepare,
  children,
}: {
  /** Loads the code of `children`. Starts at once, while the session is restored. */
  readonly prepare: () => Promise<unknown>;
  readonly children: ReactNode;
}): ReactNode {
  const session = useSession();
  useEffect(() => {
    // The component that renders the chunk shows the failure.
    prepare().catch(() => {});
  }, [prepare]);
  if (session.status === 'restoring') return <Waiting />;
  if (session.status === 'signed-out') return <SignInPage reason={session.reason} />;
  return <Suspense fallback={<Waiting />}>{children}</Suspense>;
}

/** Shows nothing at first, and a notice if loading takes longer. */
export function Waiting(): ReactNode {
  const [patience, setPatience] = useState<'new' | 'loading' | 'long'>('new');
  useEffect(() => {
    const timers = [setTimeout(() => setPatience('loading'), 500), setTimeout(() => setPatience('long'), 5_000)];
    return () => timers.forEach(clearTimeout);
  }, []);
  if (patience === 'new') return null;
  return patience === 'loading' ? (
    <Notice title="Loading" />
  ) : (
    <Notice
      title="Waiting for Tidings"
      text="It cannot be reached, or is slow. This page continues automatically when it responds."
    />
  );
}
