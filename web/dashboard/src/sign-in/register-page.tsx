import { getRouteApi, Link, useRouter } from '@tanstack/react-router';
import { useSession } from '@tidings/client/react';
import { type ReactNode, useEffect } from 'react';
import { InsecureNotice, insecureReason } from '../../../shared/sign-in-form.js';
import { tidings } from '../tidings.js';
import { EntryForm, type EntryField } from './entry-form.js';
import { EntryLayout, EntryLinks } from './entry-layout.js';
import { NEW_PASSWORD_HINT } from './new-password.js';

const ROUTE = getRouteApi('/register');

const REGISTER = `mutation Register($input: RegisterInput!) {
  register(input: $input) {
    accessToken accessTokenExpiresAt refreshToken
    user { id name email role }
  }
}`;

const FIELDS: readonly EntryField[] = [
  { name: 'name', label: 'Name', autoComplete: 'name', hint: 'Others see it.', maxLength: 100 },
  { name: 'email', label: 'E-mail address', type: 'email', autoComplete: 'username' },
  { name: 'password', label: 'Password', type: 'password', autoComplete: 'new-password', hint: NEW_PASSWORD_HINT },
];

async function register({ name, email, password }: Readonly<Record<string, string>>): Promise<void> {
  const input = { name: name!.trim(), email: email!.trim(), password, transport: 'COOKIE' };
  const { register: payload } = await tidings.request<{ register: object }>(REGISTER, { input });
  await tidings.adopt(payload);
}

export function RegisterPage(): ReactNode {
  const { from = '/' } = ROUTE.useSearch();
  const { history } = useRouter();
  const { status } = useSession();
  // Leaves the page as soon as somebody is signed in.
  useEffect(() => {
    if (status === 'signed-in') history.replace(from);
  }, [status, from, history]);
  return (
    <EntryLayout title="Create an account">
      {insecureReason() ? (
        <InsecureNotice />
      ) : (
        <EntryForm
          fields={FIELDS}
          action={register}
          send="Create account"
          sending="Creating the account"
          conflict={{ fields: { email: 'There is an account with this address. Sign in, or ask for a new password.' } }}
        >
          <EntryLinks>
            <Link to="/">Sign in instead</Link>
          </EntryLinks>
        </EntryForm>
      )}
    </EntryLayout>
  );
}
