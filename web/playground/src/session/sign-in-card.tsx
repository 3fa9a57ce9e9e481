// Sign-in card: the form, the reason for the sign-out, and the demo accounts if any.
import { type ReactNode, useState, useTransition } from 'react';
import type { SignedOutReason } from '@tidings/client';
import { controls } from '../../../shared/controls.js';
import { SignInForm, signInProblem } from '../../../shared/sign-in-form.js';
import { tidings } from '../service.js';
import { type DemoAccount, useDemo } from './demo.js';
import styles from './session.module.css';

const REASONS: Readonly<Record<SignedOutReason, string>> = {
  absent: 'The schema is public. Projects and subscriptions require an account.',
  'signed-out': 'You have signed out.',
  ended: 'Your session has ended: it was ended elsewhere, or not used for too long. Sign in again.',
  theft:
    'Your session was ended because one of its tokens was used twice. Sign in again, and change your password if you did not expect this.',
};

export function SignInCard({
  reason,
  onClose,
}: {
  /** Why nobody is signed in; absent if the user switches accounts. */
  readonly reason?: SignedOutReason | undefined;
  readonly onClose: () => void;
}): ReactNode {
  return (
    <section className={styles.card} aria-label="Sign in">
      <header className={styles.head}>
        <h2>{reason ? 'Sign in' : 'Switch account'}</h2>
        <button type="button" className={controls.link} onClick={onClose}>
          Close
        </button>
      </header>
      {reason && (
        <p className={styles.reason} role={reason === 'ended' || reason === 'theft' ? 'alert' : undefined}>
          {REASONS[reason]}
        </p>
      )}
      <DemoAccounts />
      <SignInForm tidings={tidings} />
    </section>
  );
}

function DemoAccounts(): ReactNode {
  const { accounts, password } = useDemo();
  const [problem, setProblem] = useState('');
  const [isPending, start] = useTransition();
  if (password === null) return null;
  const signInAs = ({ email }: DemoAccount): void =>
    start(async () => {
      setProblem('');
      await tidings.signIn({ email, password }).catch((error: unknown) => setProblem(signInProblem(error)));
    });
  return (
    <fieldset className={styles.demo} disabled={isPending}>
      <legend>Demo accounts</legend>
      {accounts.map((account) => (
        <button key={account.email} type="button" className={controls.button} onClick={() => signInAs(account)}>
          <span>{account.name}</span>
          <span className={styles.role}>{account.role}</span>
        </button>
      ))}
      {problem && (
        <p className={controls.problem} role="alert">
          {problem}
        </p>
      )}
    </fieldset>
  );
}
