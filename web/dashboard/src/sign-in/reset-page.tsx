// Target of the reset link in an e-mail: `/reset#token=…`.
import { OperationFailed } from '@tidings/client';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import { type ReactNode, useEffect, useState } from 'react';
import { tidings } from '../tidings.js';
import { type EntryField, EntryForm, problemOf } from './entry-form.js';
import { EntryLayout, EntryLinks } from './entry-layout.js';
import { NEW_PASSWORD_HINT } from './new-password.js';

const RESET = 'mutation ResetPassword($input: ResetPasswordInput!) { resetPassword(input: $input) }';

const FIELDS: readonly EntryField[] = [
  {
    name: 'newPassword',
    label: 'New password',
    type: 'password',
    autoComplete: 'new-password',
    hint: NEW_PASSWORD_HINT,
  },
];

/** Whether the service refused the link itself, not the password that was typed. */
const isRefused = (error: unknown): boolean =>
  error instanceof OperationFailed && problemOf(error).fields['token'] !== undefined;

/** Token of the last opened link. Removed from the address, and so from the browser history, at once. */
let token = '';

function useToken(): string {
  const { hash } = useLocation();
  const navigate = useNavigate();
  const found = new URLSearchParams(hash).get('token');
  if (found) token = found;
  useEffect(() => {
    if (found) void navigate({ to: '/reset', hash: '', replace: true });
  }, [found, navigate]);
  return token;
}

export function ResetPage(): ReactNode {
  const current = useToken();
  const [isDone, setDone] = useState(false);
  const [refused, setRefused] = useState('');
  async function reset({ newPassword }: Readonly<Record<string, string>>): Promise<void> {
    try {
      await tidings.request(RESET, { input: { token: current, newPassword } });
    } catch (error) {
      if (!isRefused(error)) throw error;
      setRefused(current);
      return;
    }
    token = '';
    setDone(true);
  }
  // The user may open another link in this page.
  if (isDone && !current)
    return (
      <EntryLayout title="Your password is changed">
        <p role="status">All sessions of your account have ended. Sign in with the new password.</p>
        <EntryLinks>
          <Link to="/">Sign in</Link>
        </EntryLinks>
      </EntryLayout>
    );
  if (current && current === refused)
    return (
      <EntryLayout title="This link is no longer valid">
        <p role="alert">
          It works once, for 30 minutes, and only until a newer link is used or the password is changed.
        </p>
        <EntryLinks>
          <Link to="/forgot-password">Ask for a new link</Link>
        </EntryLinks>
      </EntryLayout>
    );
  if (!current)
    return (
      <EntryLayout title="This link is not complete">
        <p>Open the link of the mail again, or ask for another one.</p>
        <EntryLinks>
          <Link to="/forgot-password">Ask for a new password</Link>
        </EntryLinks>
      </EntryLayout>
    );
  return (
    <EntryLayout title="Choose a new password">
      <EntryForm key={current} fields={FIELDS} action={reset} send="Change password" sending="Changing the password">
        <EntryLinks>
          <Link to="/forgot-password">Ask for another link</Link>
        </EntryLinks>
      </EntryForm>
    </EntryLayout>
  );
}
