import type { SignedOutReason } from '@tidings/client';
import { Link, useLocation } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { SignInForm } from '../../../shared/sign-in-form.js';
import { tidings } from '../tidings.js';
import { EntryLayout, EntryLinks } from './entry-layout.js';

const NOTICES: Readonly<Record<SignedOutReason, string | undefined>> = {
  absent: undefined,
  'signed-out': 'You are signed out.',
  ended: 'Your session has ended: it expired, or was ended elsewhere. Sign in to continue where you were.',
  theft:
    'Your session was ended because its sign-in data was used twice. Somebody may have a copy of it: sign in, then change your password.',
};

/** Shown at any address that requires an account. */
export function SignInPage({ reason }: { readonly reason: SignedOutReason }): ReactNode {
  const { href } = useLocation();
  return (
    <EntryLayout title="Sign in" notice={NOTICES[reason]}>
      <SignInForm tidings={tidings}>
        <EntryLinks>
          <Link to="/register" search={href === '/' ? {} : { from: href }}>
            Create an account
          </Link>
          <Link to="/forgot-password">Forgot your password?</Link>
        </EntryLinks>
      </SignInForm>
    </EntryLayout>
  );
}
