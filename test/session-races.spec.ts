// Races for an account's row: sign-ins during password changes, resets or disabling, refreshes during revocation.
// Hashing is made cheap with a random duration, so that hundreds of interleavings take as long as a few.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { MikroORM } from '@mikro-orm/postgresql';
import { hash } from '@node-rs/argon2';
import { Role, type Principal } from '../src/engine/access/role.js';
import { AdministrationService } from '../src/engine/accounts/administration.service.js';
import { PARAMETERS, Passwords } from '../src/engine/passwords/passwords.js';
import { ContextFactory } from '../src/engine/graphql/http/context-factory.js';
import type { ServiceError } from '../src/engine/errors/service-error.js';
import { PasswordChanges } from '../src/engine/sessions/password-changes.js';
import { PasswordResets } from '../src/engine/sessions/password-resets.js';
import { RefreshService } from '../src/engine/sessions/refresh.service.js';
import { RefreshTokens } from '../src/engine/sessions/refresh-tokens.js';
import { SessionService } from '../src/engine/sessions/session.service.js';
import type { OpenSession } from '../src/engine/sessions/session-statements.js';
import { SessionCache } from '../src/engine/sessions/session-cache.js';
import { SignInService } from '../src/engine/sessions/sign-in.service.js';
import { INTERLEAVINGS } from './support/extent.js';
import { PASSWORD, useTidings } from './support/tidings.js';

const ROUNDS = INTERLEAVINGS;
/** Races that go on at a time: they also wait for each other's connections. */
const AT_A_TIME = 4;
/** ms within which acts begin, and that a verification may take. */
const SPREAD_MS = 20;
const NEXT = 'another password of the tests';

const tidings = useTidings();
const query = <T = Record<string, unknown>>(sql: string, parameters: unknown[] = []) =>
  tidings.current.database.query<T>(sql, parameters);
const client = { address: '192.0.2.1', userAgent: undefined };

/** Verifications that found the password right. */
let verified = 0;
let passwordHash: string;

beforeAll(async () => {
  passwordHash = await hash(PASSWORD, PARAMETERS);
  const passwords = tidings.current.app.get(Passwords);
  const matches = passwords.matches.bind(passwords);
  passwords.matches = async (password, against) => {
    const matched = await matches(password, against);
    if (matched) verified += 1;
    await chance();
    return matched;
  };
});

/** Some time, up to {@link SPREAD_MS}: drawn by lot, so that acts fall into each other in every way. */
function chance(): Promise<unknown> {
  return pause(Math.random() * SPREAD_MS);
}

interface Account {
  readonly id: string;
  readonly email: string;
}

async function accounts(count: number): Promise<Account[]> {
  const ids = Array.from({ length: count }, () => randomUUID());
  return query<{ id: string; email: string }>(
    `insert into account (id, email, name, role, password_hash)
     select id::uuid, id || '@example.com', 'Racer', 'USER', $2 from unnest($1::text[]) as racer(id) returning id, email`,
    [ids, passwordHash],
  );
}

/**
 * Every race once, some of them at a time. What the others run against begins after `lead`, which grows from race to race to three
 * times the spread: at first it comes before them, in the end after them, however long each takes on this machine.
 */
async function race<T>(
  racers: readonly T[],
  run: (racer: T, lead: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const left = [...racers.entries()];
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        const [at, racer] = next;
        await run(racer, () => pause(((at + Math.random()) / racers.length) * 3 * SPREAD_MS));
      }
    }),
  );
}

/** What became of a try: a session, or the code of the refusal. */
type Outcome = OpenSession | string;

/** Begins at some time within the race, or after `lead`. Whatever is no refusal of ours fails the test. */
async function sometime(work: () => Promise<OpenSession>, lead = chance): Promise<Outcome> {
  await lead();
  return work().catch((error: Partial<ServiceError>) => {
    const code = error.extensions?.['code'];
    if (typeof code !== 'string') throw error;
    return code;
  });
}

const signIn = ({ email }: Account) =>
  sometime(() => {
    const context = tidings.current.app.get(ContextFactory).forSocket(client, {});
    return tidings.current.app
      .get(SignInService)
      .login(email, PASSWORD, { context, transport: 'BODY', before: undefined });
  });

const live = async ({ id }: { readonly id: string }) =>
  (await query<{ id: string }>('select id from session where account_id = $1 and ended_at is null', [id])).map(
    (row) => row.id,
  );

const idsOf = (outcomes: readonly Outcome[]) =>
  outcomes.flatMap((outcome) => (typeof outcome === 'string' ? [] : [outcome.session.id]));

/** Whether this node still takes the session for a living one: what its access tokens are judged by. */
async function isLive(sessionId: string): Promise<boolean> {
  const session = await tidings.current.app.get(SessionCache).get(sessionId);
  return session !== undefined && !session.ended;
}

/**
 * Fails unless sign-ins came before, and after, and in between: right when they were verified, and not any more.
 * `others`: verifications that were right and none of these sign-ins'.
 */
async function expectAllSides(outcomes: readonly Outcome[], since: number, others: number): Promise<void> {
  const opened = idsOf(outcomes);
  const refused = outcomes.filter((outcome) => outcome === 'INVALID_CREDENTIALS');
  expect(opened.length + refused.length).toBe(ROUNDS);
  const between = verified - since - others - opened.length;
  process.stdout.write(
    `figure: ${ROUNDS} races: ${opened.length} sign-ins before, ${refused.length} refused, ${between} of them verified\n`,
  );
  expect(Math.min(opened.length, refused.length, between)).toBeGreaterThan(0);
  for (const id of opened) expect(await isLive(id)).toBe(false);
}

describe(`sign-ins with the old password, in ${ROUNDS} interleavings`, () => {
  it('leave no session after a password change', async () => {
    const changes = tidings.current.app.get(PasswordChanges);
    const racers = await Promise.all(
      (await accounts(ROUNDS)).map(async (account) => {
        const opened = (await signIn(account)) as OpenSession;
        return { account, own: opened.session.id };
      }),
    );
    const signIns: Outcome[] = [];
    const since = verified;
    await race(racers, async ({ account, own }, lead) => {
      const rights = { role: Role.USER, disabled: false, resources: new Map() };
      const viewer: Principal = {
        accountId: account.id,
        sessionId: own,
        rights,
        transport: 'BODY',
        session: { ended: false },
        tokenExpiresAt: Number.POSITIVE_INFINITY,
      };
      const [changed, signedIn] = await Promise.all([
        sometime(() => changes.change(viewer, PASSWORD, NEXT, client), lead),
        signIn(account),
      ]);
      expect(await live(account)).toEqual(idsOf([changed]));
      expect(await isLive(own)).toBe(false);
      signIns.push(signedIn);
    });
    await expectAllSides(signIns, since, ROUNDS);
  });

  it('leave no session after a reset', async () => {
    const resets = tidings.current.app.get(PasswordResets);
    const signIns: Outcome[] = [];
    const since = verified;
    await race(await accounts(ROUNDS), async (account, lead) => {
      const token = randomBytes(32).toString('base64url');
      await query(
        `insert into password_reset (account_id, token_hash, requested_at, expires_at) values ($1, $2, now(), now() + '1 min')`,
        [account.id, createHash('sha256').update(token).digest()],
      );
      const [, signedIn] = await Promise.all([lead().then(() => resets.reset(token, NEXT, client)), signIn(account)]);
      expect(await live(account)).toEqual([]);
      signIns.push(signedIn);
    });
    await expectAllSides(signIns, since, 0);
  });

  it('leave no session after the account was disabled', async () => {
    const administration = tidings.current.app.get(AdministrationService);
    const admin = await tidings.current.asUser('ADMIN');
    const signIns: Outcome[] = [];
    const since = verified;
    await race(await accounts(ROUNDS), async (account, lead) => {
      const [, signedIn] = await Promise.all([
        lead().then(() => administration.setDisabled({ accountId: admin.id }, account.id, true)),
        signIn(account),
      ]);
      expect(await live(account)).toEqual([]);
      signIns.push(signedIn);
    });
    await expectAllSides(signIns, since, 0);
  });
});

it(`two refreshes during the end of their session leave no session, in ${ROUNDS} interleavings`, async () => {
  const [sessions, tokens] = [tidings.current.app.get(SessionService), tidings.current.app.get(RefreshTokens)];
  const context = { em: tidings.current.app.get(MikroORM).em, client, assertPageAccount: () => {} };
  const refresh = (token: string) => tidings.current.app.get(RefreshService).refresh(token, 'BODY', context);
  const tokenOf = ({ session }: OpenSession) => tokens.make(session.id, session.generation, session.seed);
  const seen = new Map<string, number>();
  const racers = await Promise.all((await accounts(ROUNDS)).map(async (one) => (await signIn(one)) as OpenSession));
  await race(racers, async (opened, lead) => {
    const { account, session } = opened;
    const { id } = session;
    const refreshed = () => sometime(() => refresh(tokenOf(opened)));
    const [ended, ...refreshes] = await Promise.all([
      lead().then(() => sessions.end(account.id, [id], 'LOGOUT', client)),
      refreshed(),
      refreshed(),
    ]);
    expect(ended).toEqual([id]);
    const given = refreshes.filter((outcome) => typeof outcome !== 'string');
    expect(refreshes.filter((outcome) => typeof outcome === 'string' && outcome !== 'UNAUTHENTICATED')).toEqual([]);
    seen.set(`${given.length}`, (seen.get(`${given.length}`) ?? 0) + 1);
    // Both were given the same; it is of no use any more, and nobody takes its use for theft.
    expect(new Set(given.map(tokenOf)).size).toBeLessThanOrEqual(1);
    for (const token of [tokenOf(opened), ...given.map(tokenOf)]) {
      expect(await sometime(() => refresh(token))).toBe('UNAUTHENTICATED');
    }
    expect(await isLive(id)).toBe(false);
    expect(await live(account)).toEqual([]);
    expect(await query(`select facts from event where resource_id = $1`, [account.id])).toEqual([
      { facts: { reason: 'LOGOUT', sessionIds: [id] } },
    ]);
  });
  // None, one and both of the refreshes came before the end.
  expect([...seen.keys()].toSorted()).toEqual(['0', '1', '2']);
});
