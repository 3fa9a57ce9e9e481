// Sign-in form with e-mail address and password. Depends only on the client, not on a router or cache.
import { InvalidCredentials, RateLimited, type Tidings, Unavailable } from '@tidings/client';
import { type ReactNode, useActionState, useEffect, useRef } from 'react';
import { controls } from './controls.js';

export interface Problem {
  readonly text: string;
  /** Incremented with each attempt, so that screen readers announce the same text again. */
  readonly attempt: number;
}

/** Error text for the user. */
export function signInProblem(error: unknown): string {
  if (error instanceof InvalidCredentials) return 'The e-mail address or the password is wrong.';
  if (error instanceof RateLimited) return `Too many attempts. Try again in ${waitText(error.retryAfter)}.`;
  if (error instanceof Unavailable) return 'Tidings cannot be reached. Check your connection, then try again.';
  return `Signing in failed. ${error instanceof Error ? error.message : ''}`.trim();
}

/** "40 s", "3 min". */
export const waitText = (seconds: number): string =>
  seconds < 90 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;

/** Why sign-in is impossible on the origin of the page; undefined if it is possible. */
export const insecureReason = (): string | undefined =>
  globalThis.isSecureContext
    ? undefined
    : 'This page was loaded over plain HTTP, so the browser would not keep a sign-in safe. Open Tidings over HTTPS, or on the machine it runs on as http://localhost.';

export function InsecureNotice(): ReactNode {
  return (
    <div role="alert">
      <p className={controls.problem}>Signing in needs HTTPS.</p>
      <p>{insecureReason()}</p>
    </div>
  );
}

export function SignInForm({
  tidings,
  children,
}: {
  readonly tidings: Tidings;
  /** Content below the button, such as links. */
  readonly children?: ReactNode;
}): ReactNode {
  const [problem, signIn, isPending] = useActionState(
    async (before: Problem | undefined, form: FormData): Promise<Problem | undefined> => {
      try {
        await tidings.signIn({ email: textOf(form, 'email').trim(), password: textOf(form, 'password') });
        return undefined;
      } catch (error) {
        return { text: signInProblem(error), attempt: (before?.attempt ?? 0) + 1 };
      }
    },
    undefined,
  );
  const form = useRef<HTMLFormElement>(null);
  const email = useRef('');
  // Keeps the entered values except the password.
  useEffect(() => {
    if (!problem || !form.current) return;
    const { email: field, password } = form.current.elements as unknown as Record<string, HTMLInputElement>;
    field!.value = email.current;
    password!.focus();
  }, [problem]);
  if (insecureReason()) return <InsecureNotice />;
  return (
    <form ref={form} action={signIn} onSubmit={() => (email.current = readEmail(form.current))}>
      <div className={controls.stack}>
        <div className={controls.field}>
          <label className={controls.label} htmlFor="email">
            E-mail address
          </label>
          <input
            className={controls.input}
            id="email"
            name="email"
            type="email"
            autoComplete="username"
            required
            autoFocus
          />
        </div>
        <div className={controls.field}>
          <label className={controls.label} htmlFor="password">
            Password
          </label>
          <input
            className={controls.input}
            id="password"
            name="password"
            type="password"
            autoComplete="current-password"
            required
            aria-describedby={problem ? 'sign-in-problem' : undefined}
          />
        </div>
        {problem && (
          <p key={problem.attempt} className={controls.problem} id="sign-in-problem" role="alert">
            {problem.text}
          </p>
        )}
        <button className={controls.primary} disabled={isPending}>
          {isPending ? 'Signing in' : 'Sign in'}
        </button>
        {children}
      </div>
    </form>
  );
}

const readEmail = (form: HTMLFormElement | null): string => (form ? textOf(new FormData(form), 'email') : '');

function textOf(form: FormData, name: string): string {
  const value = form.get(name);
  return typeof value === 'string' ? value : '';
}
