// Sign-in, with a bounded duration.
import { LOGIN } from './credentials.js';
import type { Json } from './document.js';
import { codeOf, failure, fault } from './errors.js';
import type { Session } from './session.js';
import { endSession } from './sign-out.js';

export interface SignInInput {
  readonly email: string;
  readonly password: string;
}

const TIMEOUT = 15_000;

export async function signIn(session: Session, { email, password }: SignInInput): Promise<void> {
  session.announceSignIn();
  const input = { email, password, transport: session.options.transport.toUpperCase() };
  await adopt(session, await session.tabs.withLock(() => login(session, input)));
}

async function login(session: Session, input: Json): Promise<Json> {
  const options = { headers: session.headers('', ''), timeout: TIMEOUT };
  const { data, errors = [] } = await session.post({ query: LOGIN, variables: { input } }, options);
  if (data?.login) return data.login;
  // No account has an invalid e-mail address.
  if (codeOf(errors) === 'BAD_USER_INPUT')
    throw failure(fault('INVALID_CREDENTIALS', 'The e-mail or password is wrong.'));
  throw failure(errors);
}

/** Signs in with the payload of `login`, `register` or `changePassword`. */
export async function adopt(session: Session, payload: Json): Promise<void> {
  const { credentials: before } = session;
  const headers = session.headers();
  session.accept(payload);
  await session.persist();
  // With cookies the service ends the previous session. With tokens the client must do it.
  if (before?.refreshToken && before.account.id !== payload.user.id)
    void endSession(session, before.refreshToken, headers);
}
