// APP_SECRET is replaced while accounts are signed in and subscribed: by three rolling deployments, which end no
// session, or by one deployment, which ends all.
import { freePort } from '../src/boot/free-port.js';
import { createProject, postUpdate } from './support/factories.js';
import { GraphqlClient } from './support/graphql-client.js';
import { RawSocket, SocketClient, type Watch } from './support/socket-client.js';
import { type Person, SECRET, TestTidings, useTidings } from './support/tidings.js';

const NEXT = Buffer.alloc(32, 'the secret after the first one..').toString('base64');
const REFRESH = 'mutation ($t: String) { refresh(refreshToken: $t) { accessToken refreshToken session { id } } }';
const ME = '{ me { id } }';
const WATCH = `subscription ($id: ID!, $after: String) {
  projectUpdated(projectId: $id, after: $after) { seq update { title } } }`;

// Signs nobody in but the people of the tests, before anything is replaced.
const tidings = useTidings();

/** One of two instances behind the same addresses all the time, whichever secrets it is started with. */
class Instance {
  private running: TestTidings | undefined;

  private constructor(private readonly port: number) {}

  static async start(secrets: string): Promise<Instance> {
    const instance = new Instance(await freePort('127.0.0.1'));
    await instance.deploy(secrets);
    return instance;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    await this.running?.stop();
  }

  signIn(person: Person): Promise<Person> {
    return this.running!.login(person);
  }

  async deploy(secrets: string): Promise<void> {
    await this.stop();
    const env = { APP_SECRET: secrets, PORT: String(this.port), REDIS_URL: process.env['TEST_REDIS_URL']! };
    this.running = await TestTidings.start({ database: tidings.current.database, env });
  }
}

/** Somebody who is signed in, and refreshes as a client does: with the newest tokens, wherever it is answered. */
class Visitor {
  constructor(
    readonly id: string,
    private readonly sessionId: string,
    public accessToken: string,
    private refreshToken: string,
  ) {}

  static of({ id, sessionId, accessToken, refreshToken }: Person): Visitor {
    return new Visitor(id, sessionId, accessToken!, refreshToken);
  }

  async refresh({ url }: Instance): Promise<void> {
    const { refresh } = await new GraphqlClient(url).data(REFRESH, { t: this.refreshToken });
    if (refresh.session.id !== this.sessionId) throw new Error('The session is another one');
    ({ accessToken: this.accessToken, refreshToken: this.refreshToken } = refresh);
  }

  at({ url }: Instance): GraphqlClient {
    return new GraphqlClient(url, this.accessToken);
  }

  /** The stock client, which comes back by itself with the token that it has then. */
  listens({ url }: Instance): SocketClient {
    return new SocketClient(url, undefined, {
      connectionParams: () => ({ authorization: `Bearer ${this.accessToken}` }),
      retryAttempts: 10_000,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
      shouldRetry: () => true,
    });
  }
}

let instances: readonly [Instance, Instance];
let sockets: SocketClient[];
beforeEach(async () => {
  instances = [await Instance.start(SECRET), await Instance.start(SECRET)];
  sockets = [];
});
afterEach(async () => {
  await Promise.all(sockets.map((socket) => socket.close()));
  await Promise.all(instances.map((instance) => instance.stop()));
});

it('rotation in three rolling deployments ends no session and loses no event', async () => {
  const [editor, sleeper] = [await tidings.current.asUser('EDITOR'), await tidings.current.asUser()];
  const project = await createProject(editor);
  const visitor = Visitor.of(editor);
  sockets = instances.map((instance) => visitor.listens(instance));
  const watches = sockets.map((socket) => socket.subscribe(WATCH, { id: project.id, after: project.lastCursor }));
  const heard = [new Set<string>(), new Set<string>()];
  let count = 0;

  /** Everything works everywhere, with tokens of whichever instance has given the last ones. */
  const allIsWell = async () => {
    for (const giver of instances) {
      await visitor.refresh(giver);
      for (const taker of instances) expect(await visitor.at(taker).data(ME)).toEqual({ me: { id: editor.id } });
    }
    const title = `Update ${(count += 1)}`;
    await postUpdate(new GraphqlClient(instances[count % 2]!.url, visitor.accessToken), project.id, {
      title,
    });
    await Promise.all(watches.map((watch, at) => hears(watch, heard[at]!, title)));
  };

  await allIsWell();
  for (const secrets of [`${SECRET},${NEXT}`, `${NEXT},${SECRET}`, NEXT]) {
    for (const instance of instances) {
      await instance.deploy(secrets);
      await allIsWell();
    }
  }
  const all = Array.from({ length: count }, (_, at) => `Update ${at + 1}`);
  for (const titles of heard) expect([...titles].toSorted()).toEqual(all.toSorted());
  // Who was away all the time has a token that nobody can verify any more. It signs in again, and nobody takes it for a thief.
  const { errors } = await new GraphqlClient(instances[0].url).send(REFRESH, { t: sleeper.refreshToken });
  expect(errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED');
  const [row] = await tidings.current.database.query('select ended_at from session where id = $1', [sleeper.sessionId]);
  expect(row).toEqual({ ended_at: null });
});

/** Takes what arrives until `title` has. Whoever came back may be given again what it knows: it asked for all since its cursor. */
async function hears(watch: Watch, titles: Set<string>, title: string): Promise<void> {
  while (!titles.has(title)) {
    const { data, errors } = await watch.next();
    if (errors) throw new Error(JSON.stringify(errors));
    const { update } = data.projectUpdated;
    if (update) titles.add(update.title);
  }
}

it('rotation in one deployment after a compromise invalidates everything signed by the old secret', async () => {
  const person = await tidings.current.asUser();
  const open = await Promise.all(instances.map(({ url }) => RawSocket.signedIn(url, person.accessToken!)));
  await Promise.all(instances.map((instance) => instance.deploy(NEXT)));
  for (const socket of open) expect(await socket.closed).toMatchObject({ code: 1012 });
  for (const { url } of instances) {
    const client = new GraphqlClient(url, person.accessToken);
    expect((await client.error(ME)).extensions.code).toBe('UNAUTHENTICATED');
    expect((await client.error(REFRESH, { t: person.refreshToken })).extensions.code).toBe('UNAUTHENTICATED');
    const socket = await RawSocket.open(url);
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${person.accessToken}` } });
    expect(await socket.closed).toMatchObject({ code: 4401 });
    const jwks = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: unknown[] };
    expect(jwks.keys).toHaveLength(1);
  }
  const again = Visitor.of(await instances[0].signIn(person));
  expect(await again.at(instances[1]).data(ME)).toEqual({ me: { id: person.id } });
});
