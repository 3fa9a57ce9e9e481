// `@tidings/client`: who is signed in.
import { InvalidCredentials, SignedOut, Unavailable } from '@tidings/client';
import { MemoryStorage, sessionIs, useClients } from '../support/client.js';
import { PASSWORD, useTidings } from '../support/tidings.js';
import { taken, until } from '../support/wait.js';

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

it('signing in says who it is, and asks in their name', async () => {
  const ada = await tidings.current.asUser('EDITOR', 'Ada');
  const client = clients.open();
  await sessionIs(client, 'signed-out');
  expect(client.session.get()).toEqual({ status: 'signed-out', reason: 'absent' });
  await client.signIn({ email: ada.email, password: PASSWORD });
  expect(client.session.get()).toMatchObject({ status: 'signed-in', account: { id: ada.id, role: 'EDITOR' } });
  expect(await client.request(ME)).toEqual({ me: { email: ada.email } });
});

it('a wrong password, and a service that is not there, are different errors', async () => {
  const { email } = await tidings.current.asUser();
  const client = clients.open();
  await expect(client.signIn({ email, password: 'wrong' })).rejects.toBeInstanceOf(InvalidCredentials);
  clients.proxy.answer503();
  clients.proxy.cut();
  await expect(client.signIn({ email, password: PASSWORD })).rejects.toBeInstanceOf(Unavailable);
});

it('twenty requests with an expired token make one refresh, and all are answered', async () => {
  const person = await tidings.current.asUser();
  const client = await clients.signedIn(person);
  const before = await generation(person.email);
  await expire();
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.request(ME)));
  expect(answers).toHaveLength(20);
  expect((await generation(person.email)) - before).toBe(1);
});

it('two pages of one storage renew an expired token once', async () => {
  const person = await tidings.current.asUser();
  const storage = new MemoryStorage();
  const first = await clients.signedIn(person, storage);
  const second = clients.open(storage);
  await sessionIs(second, 'signed-in');
  const before = await generation(person.email);
  await expire();
  await Promise.all([first.request(ME), second.request(ME)]);
  expect((await generation(person.email)) - before).toBe(1);
});

it('a refresh into a black hole is answered within 10 s, and signing out does not wait for it', async () => {
  const person = await tidings.current.asUser();
  const client = await clients.signedIn(person);
  await expire();
  clients.proxy.blackhole();
  const request = client.request(ME, {}, { signal: AbortSignal.timeout(9_900) }).catch((error: unknown) => error);
  const out = taken(() => client.signOut());
  expect(client.session.get()).toEqual({ status: 'signed-out', reason: 'signed-out' });
  expect(await request).toMatchObject({ code: 'UNAUTHENTICATED' });
  expect(await out).toBeLessThan(6_000);
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

it('what is answered after signing out is dropped', async () => {
  const client = await clients.signedIn(await tidings.current.asUser());
  clients.proxy.blackhole();
  const answer = client.request(ME).catch((error: unknown) => error);
  void client.signOut();
  clients.proxy.open();
  expect(await answer).toBeInstanceOf(SignedOut);
});
