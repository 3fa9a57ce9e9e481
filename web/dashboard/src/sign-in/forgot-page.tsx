import { Link } from '@tanstack/react-router';
import { type ReactNode, useState } from 'react';
import { tidings } from '../tidings.js';
import { type EntryField, EntryForm } from './entry-form.js';
import { EntryLayout, EntryLinks } from './entry-layout.js';

const REQUEST = 'mutation RequestPasswordReset($email: String!) { requestPasswordReset(email: $email) }';

const FIELDS: readonly EntryField[] = [
  {
    name: 'email',
    label: 'E-mail address',
    type: 'email',
    autoComplete: 'username',
    hint: 'The one that you sign in with.',
  },
];

export function ForgotPage(): ReactNode {
  const [sentTo, setSentTo] = useState('');
  async function ask({ email }: Readonly<Record<string, string>>): Promise<void> {
    await tidings.request(REQUEST, { email: email!.trim() });
    setSentTo(email!.trim());
  }
  if (sentTo)
    return (
      <EntryLayout title="Look into your mail">
        <p role="status">
          If there is an account with the address <strong>{sentTo}</strong>, a mail with a link is on its way to it. The
          link works for 30 minutes.
        </p>
        <EntryLinks>
          <Link to="/">Sign in</Link>
          <Link to="/forgot-password" onClick={() => setSentTo('')}>
            Use another address
          </Link>
        </EntryLinks>
      </EntryLayout>
    );
  return (
    <EntryLayout title="Ask for a new password">
      <EntryForm fields={FIELDS} action={ask} send="Send the link" sending="Sending the link">
        <EntryLinks>
          <Link to="/">Sign in</Link>
        </EntryLinks>
      </EntryForm>
    </EntryLayout>
  );
}
