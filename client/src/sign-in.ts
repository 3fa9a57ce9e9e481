// Signing in: it ends, whatever the service does.
import { credentialsOf, LOGIN } from './credentials.js';
import type { Json } from './document.js';
import { codeOf, InvalidCredentials, OperationFailed, RateLimited, retryAfterOf, Unavailable } from './errors.js';
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
  const work = (): Promise<Json> => login(session, input);
  await adopt(session, await (session.tabs?.exclusively(work) ?? work()));
}

async function login(session: Session, input: Json): Promise<Json> {
  const { authorization: _, ...headers } = session.headers('');
  const { data, errors = [] } = await session.post(LOGIN, { input }, { headers, timeout: TIMEOUT });
  if (data?.login) return data.login;
  switch (codeOf(errors)) {
    // What is no e-mail address is that of nobody.
    case 'BAD_USER_INPUT':
    case 'INVALID_CREDENTIALS':
      throw new InvalidCredentials();
    case 'RATE_LIMITED':
      throw new RateLimited(retryAfterOf(errors));
    case 'SERVICE_UNAVAILABLE':
      throw new Unavailable();
    default:
      throw new OperationFailed(errors);
  }
}

/** The payload of `login`, `register` or `changePassword`: that account is signed in from now on. */
export async function adopt(session: Session, payload: Json): Promise<void> {
  const { credentials: before } = session;
  const headers = session.headers();
  const credentials = credentialsOf(payload, session.clock);
  session.signedInAs(credentials);
  await session.keep({ session: credentials });
  // Cookies end the session before them; tokens do not.
  if (before?.refreshToken && before.account.id !== credentials.account.id)
    void endSession(session, before.refreshToken, headers);
}
