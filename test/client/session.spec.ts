// `@tidings/client`: who is signed in.
import { InvalidCredentials, SignedOut, Unavailable } from '@tidings/client';
import { MemoryStorage, sessionIs, useClients } from '../support/client.js';
import { PASSWORD, type Person, useTidings } from '../support/tidings.js';
import { durationOf, until } from '../support/wait.js';

/** ms, as ACCESS_TOKEN_TTL. */
const TTL_MS = 3_000;

const tidings = useTidings(() => ({ env: { ACCESS_TOKEN_TTL: '3s' } }));
const clients = useClients(tidings);
const ME = '{ me { email } }';

const generation = async (email: string) => {
  const [row] = await tidings.current.database.query<{ generation: number }>(
    'select max(s.generation) as generation from session s join account a on a.id = s.account_id where a.email = $1',
    [email],
  );
  return row!.generation;
};

/** Resolves when tokens that were issued before are expired. */
async function expire() {
  const witness = await tidings.current.asUser();
  await until(async () => (await witness.send(ME)).errors !== undefined, 'the tokens had expired');
}

/** Refreshes by `work` after an expiry, less those for each lifetime of a token that it takes beyond the first. */
async function refreshes({ email }: Person, work: () => Promise<unknown>): Promise<number> {
  await expire();
  const before = await generation(email);
  const ms = await durationOf(work);
  const count = (await generation(email)) - before;
  return Math.min(count, Math.max(1, count - Math.floor(ms / TTL_MS)));
}

it('signIn() signs in and authenticates later requests', async () => {
  const ada = await tidings.current.asUser('EDITOR', 'Ada');
  const client = clients.open();
  await sessionIs(client, 'signed-out');
  expect(client.session.get()).toEqual({ status: 'signed-out', reason: 'absent' });
  await client.signIn({ email: ada.email, password: PASSWORD });
  expect(client.session.get()).toMatchObject({ status: 'signed-in', account: { id: ada.id, role: 'EDITOR' } });
  expect(await client.request(ME)).toEqual({ me: { email: ada.email } });
});

it('signIn() throws different errors for a wrong password and an unreachable service', async () => {
  const { email } = await tidings.current.asUser();
  const client = clients.open();
  await expect(client.signIn({ email, password: 'wrong' })).rejects.toBeInstanceOf(InvalidCredentials);
  clients.proxy.answer503();
  clients.proxy.cut();
  await expect(client.signIn({ email, password: PASSWORD })).rejects.toBeInstanceOf(Unavailable);
});

it('twenty requests with an expired token refresh once', async () => {
  const person = await tidings.current.asUser();
  const client = await clients.signedIn(person);
  expect(await refreshes(person, () => Promise.all(Array.from({ length: 20 }, () => client.request(ME))))).toBe(1);
});

it('two pages sharing a storage refresh an expired token once', async () => {
  const person = await tidings.current.asUser();
  const storage = new MemoryStorage();
  const first = await clients.signedIn(person, storage);
  const second = clients.open(storage);
  await sessionIs(second, 'signed-in');
  expect(await refreshes(person, () => Promise.all([first.request(ME), second.request(ME)]))).toBe(1);
});

it('a lost refresh fails and does not block signOut()', async () => {
  const person = await tidings.current.asUser();
  const client = await clients.signedIn(person);
  await expire();
  clients.proxy.blackhole();
  const request = client.request(ME).catch((error: unknown) => error);
  const out = client.signOut();
  expect(client.session.get()).toEqual({ status: 'signed-out', reason: 'signed-out' });
  expect(await request).toMatchObject({ code: 'UNAUTHENTICATED' });
  await out;
});

it('signing out and in as another account reaches the other page', async () => {
  const [ada, bob] = [await tidings.current.asUser(), await tidings.current.asUser()];
  const storage = new MemoryStorage();
  const first = await clients.signedIn(ada, storage);
  const second = clients.open(storage);
  await sessionIs(second, 'signed-in');
  await first.signOut();
  await sessionIs(second, 'signed-out');
  await first.signIn({ email: bob.email, password: PASSWORD });
  await sessionIs(second, 'signed-in');
  expect(second.session.get()).toMatchObject({ account: { id: bob.id } });
  expect(await second.request(ME)).toEqual({ me: { email: bob.email } });
});

it('replies after signOut() are discarded', async () => {
  const client = await clients.signedIn(await tidings.current.asUser());
  clients.proxy.blackhole();
  const answer = client.request(ME).catch((error: unknown) => error);
  void client.signOut();
  clients.proxy.open();
  expect(await answer).toBeInstanceOf(SignedOut);
});
