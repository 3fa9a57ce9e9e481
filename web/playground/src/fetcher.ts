// Runs operations of the editor over @tidings/client: as the account of the page, or with the token of an Authorization header.
import type { Fetcher } from '@graphiql/toolkit';
import { createTidings, fetcher, type Tidings, TidingsError } from '@tidings/client';
import { ENDPOINT } from './endpoint.js';
import { endsSession, isOfPrograms, operationIn, signsInByCookie, tokenIn } from './operation.js';

const SIGN_IN_FIRST = {
  errors: [{ message: 'Sign in first: subscriptions need an account.', extensions: { code: 'UNAUTHENTICATED' } }],
};

/** Requests with the old cookies could still be pending when the new ones arrive, and could clear them. */
const SIGN_IN_ABOVE = {
  errors: [
    {
      message:
        'To sign this page in, use the form at the top. Here, use the transport BODY: its tokens are in the reply.',
    },
  ],
};

/** An error as a GraphQL answer, without a stack trace. */
function failed(error: unknown) {
  const message = error instanceof Error ? error.message : String(error);
  return { errors: [{ message, ...(error instanceof TidingsError && { extensions: { code: error.code } }) }] };
}

/** Fetcher for GraphiQL. `tidings`: the client of the page, signed in by cookies. */
export function playgroundFetcher(tidings: Tidings): Fetcher {
  /** Client for the last used token. */
  let other: { readonly token: string; readonly tidings: Tidings } | undefined;
  let nobody: Tidings | undefined;

  const asToken = (token: string): Tidings => {
    if (other?.token !== token) {
      other?.tidings.close();
      other = { token, tidings: createTidings({ url: ENDPOINT, transport: 'token', token }) };
    }
    return other.tidings;
  };
  const asNobody = (): Tidings => (nobody ??= createTidings({ url: ENDPOINT, transport: 'body' }));

  return ({ query, variables, operationName }, options) => {
    const operation = operationIn(query, operationName);
    const token = tokenIn(options?.headers);
    const isSubscription = operation?.type === 'subscription';
    if (token === undefined && isSubscription && tidings.session.get().status === 'signed-out')
      return Promise.resolve(SIGN_IN_FIRST);
    if (operation && signsInByCookie(operation, variables)) return Promise.resolve(SIGN_IN_ABOVE);
    const asPage = token === undefined && !(operation && isOfPrograms(operation, variables));
    const client = asPage ? tidings : token === undefined ? asNobody() : asToken(token);
    const result = fetcher(client)({ query: operation?.query ?? query, variables, operationName });
    if (isSubscription) return result;
    const answer = Promise.resolve(result).catch(failed);
    if (asPage && operation && endsSession(operation)) void answer.then(() => lookAgain(tidings));
    return answer;
  };
}

/** Queries the session after an operation that may have ended it, so that the client notices at once. */
async function lookAgain(tidings: Tidings): Promise<void> {
  if (tidings.session.get().status === 'signed-in') await tidings.execute('{ session { id } }').catch(() => undefined);
}
