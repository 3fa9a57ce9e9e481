// Who is watching a project, across two instances and a third that is killed.
import { PUB_SUB, type PubSub } from '../src/engine/pubsub/pubsub.port.js';
import { SharedExecutions } from '../src/engine/graphql/sharing/shared-executions.js';
import { PresenceTracker } from '../src/engine/realtime/presence/presence-tracker.js';
import { addMember, createProject, type TestProject } from './support/factories.js';
import { netOf } from './support/bystander.js';
import type { Data } from './support/graphql-client.js';
import { assertNothingLogged } from './support/live.js';
import { killAll, ServiceProcess } from './support/process.js';
import { startRedis, type TestRedis } from './support/redis.js';
import { RawSocket, type Watch } from './support/socket-client.js';
import { statementsOf } from './support/statements.js';
import { POOL_SIZE, type Person, SECRET, TestTidings } from './support/tidings.js';
import { until, within } from './support/wait.js';

const PRESENCE = `subscription ($id: ID!) {
  presenceChanged(projectId: $id) { count viewers { id name email } joined { id } left { id } } }`;
const UPDATES = 'subscription ($id: ID!) { projectUpdated(projectId: $id) { seq } }';
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';

let redis: TestRedis;
let here: TestTidings;
let there: TestTidings;
let owner: Person;
let ada: Person;
let bob: Person;
let admin: Person;
let guest: Person;

beforeAll(async () => {
  redis = await startRedis();
  here = await TestTidings.start({ env: { REDIS_URL: redis.url } });
  there = await TestTidings.start({ database: here.database, env: { REDIS_URL: redis.url } });
  [owner, ada, bob, admin, guest] = await Promise.all([
    here.asUser('EDITOR', 'Owner'),
    here.asUser('USER', 'Ada'),
    here.asUser('USER', 'Bob'),
    here.asUser('ADMIN', 'Root'),
    here.asUser('ADMIN', 'Guest'),
  ]);
});
afterAll(async () => {
  await killAll();
  await there?.stop();
  await here?.stop();
  await redis?.stop();
});

/** A project of `owner` with Ada and Bob. */
async function project(): Promise<TestProject> {
  const made = await createProject(owner);
  for (const member of [ada, bob]) await addMember(owner, made.id, member, 'VIEWER');
  return made;
}

const watching = (person: Person, node: TestTidings, { id }: TestProject, query = PRESENCE): Watch =>
  person.socket(node.url).subscribe(query, { id });
const message = async (watch: Watch): Promise<Data> => (await watch.next()).data.presenceChanged;
const ids = (people: readonly { id: string }[]) => people.map(({ id }) => id).toSorted();

/** Passes over messages until exactly these watch; returns that message. */
async function seeing(watch: Watch, ...people: Person[]): Promise<Data> {
  for (;;) {
    const said = await message(watch);
    expect(said.count).toBe(said.viewers.length);
    if (String(ids(said.viewers)) === String(ids(people))) return said;
  }
}

/** The other node can see that somebody watches. */
const announced = ({ id }: TestProject) =>
  until(
    async () => (await here.database.query('select 1 from node_entry where key = $1', [id])).length > 0,
    'the watcher was announced',
  );

const rooms = (node: TestTidings) => node.app.get(PresenceTracker)['rooms'].size;

/** Accounts that watch at the first node. */
const watchersHere = ({ id }: TestProject): number =>
  here.app.get(PresenceTracker)['rooms'].get(id)?.['here'].size ?? 0;

/** Who is refused while the database is away tries again, until the present watchers are told. */
async function admitted(person: Person, node: TestTidings, place: TestProject): Promise<Watch> {
  for (;;) {
    const watch = watching(person, node, place);
    const { data } = await watch.next();
    if (data?.presenceChanged) return watch;
    watch.stop();
  }
}

/** Nobody watches any more, as far as this process knows. */
async function emptied(...watches: Watch[]): Promise<void> {
  for (const watch of watches) watch.stop();
  await until(() => rooms(here) + rooms(there) === 0, 'nobody watched any more');
}

describe('presence', () => {
  it('sends the present accounts, then arrivals and departures, across instances', async () => {
    const place = await project();
    const first = watching(owner, here, place);
    expect(await message(first)).toMatchObject({ count: 1, viewers: [{ id: owner.id }], joined: [], left: [] });
    await announced(place);
    const second = watching(ada, there, place);
    const greeting = await message(second);
    expect(ids(greeting.viewers)).toEqual(ids([owner, ada]));
    expect(greeting).toMatchObject({ count: 2, joined: [], left: [] });
    expect(await message(first)).toMatchObject({ count: 2, joined: [{ id: ada.id }], left: [] });
    const third = watching(bob, there, place, UPDATES);
    expect(await message(first)).toMatchObject({ count: 3, joined: [{ id: bob.id }], left: [] });
    expect(await message(second)).toMatchObject({ count: 3, joined: [{ id: bob.id }], left: [] });
    third.stop();
    expect(await message(first)).toMatchObject({ count: 2, joined: [], left: [{ id: bob.id }] });
    expect(await message(second)).toMatchObject({ count: 2, joined: [], left: [{ id: bob.id }] });
    second.stop();
    expect(await message(first)).toMatchObject({ count: 1, viewers: [{ id: owner.id }], left: [{ id: ada.id }] });
    expect(first.pending).toEqual([]);
    await emptied(first);
  });

  it('counts an account once for all its sockets, until the last closes', async () => {
    const place = await project();
    const witness = watching(owner, here, place);
    const windows = [
      watching(ada, here, place),
      watching(ada, here, place, UPDATES),
      watching(ada, there, place),
      watching(ada, there, place, UPDATES),
    ];
    await seeing(witness, owner, ada);
    await Promise.all(windows.map((window, at) => (at % 2 ? there.watching(1) : message(window))));
    for (const window of windows.slice(1)) window.stop();
    const late = watching(bob, there, place);
    expect((await seeing(witness, owner, ada, bob)).left).toEqual([]);
    windows[0]!.stop();
    expect((await seeing(witness, owner, bob)).left).toEqual([{ id: ada.id }]);
    await emptied(witness, late);
  });

  it('is executed once per document and permission class', async () => {
    const place = await project();
    const shared = PRESENCE.replace(' email', '');
    const watches = [owner, ada, bob, admin].map((person) => watching(person, here, place, shared));
    const own = watching(ada, here, place);
    for (const watch of [...watches, own]) await seeing(watch, owner, ada, bob, admin);
    const executions = here.app.get(SharedExecutions);
    let made = 0;
    executions.execute = (plan, run) => {
      made += 1;
      return SharedExecutions.prototype.execute.call(executions, plan, run);
    };
    const late = watching(guest, here, place, shared);
    for (const watch of watches) {
      expect(await message(watch)).toMatchObject({ count: 5, joined: [{ id: guest.id }], left: [] });
    }
    expect((await message(own)).viewers.map(({ email }: Data) => email)).toContain(ada.email);
    expect(await message(late)).toMatchObject({ count: 5, joined: [], left: [] });
    Reflect.deleteProperty(executions, 'execute');
    expect(made).toBe(2);
    await emptied(...watches, own, late);
  });

  it('removes an account whose socket was cut', async () => {
    const place = await project();
    const witness = watching(owner, here, place);
    const other = bob.socket(there.url);
    await Promise.all([seeing(witness, owner, bob), message(other.subscribe(PRESENCE, { id: place.id }))]);
    await other.close();
    expect(await message(witness)).toMatchObject({ count: 1, left: [{ id: bob.id }] });
    await emptied(witness);
  });

  it('removes an account after rapid subscribe, complete and disconnect', async () => {
    const place = await project();
    const witness = watching(owner, here, place);
    await seeing(witness, owner);
    const payload = { query: PRESENCE, variables: { id: place.id } };
    const inOneBreath = async (idOf: (n: number) => string): Promise<RawSocket> => {
      const socket = await RawSocket.signedIn(here.url, bob.accessToken!);
      netOf(socket.ws).cork();
      for (let n = 0; n < 50; n += 1) {
        socket.send({ id: idOf(n), type: 'subscribe', payload });
        socket.send({ id: idOf(n), type: 'complete' });
      }
      socket.send({ id: 'last', type: 'subscribe', payload });
      netOf(socket.ws).uncork();
      return socket;
    };
    for (const idOf of [String, () => 'last']) {
      const socket = await inOneBreath(idOf);
      expect((await socket.next('next')).id).toBe('last');
      socket.ws.terminate();
      await until(() => watchersHere(place) === 1, 'only the owner watched');
    }
    await emptied(witness);
  });

  it('is visible to members of the project and hides guarded fields', async () => {
    const place = await createProject(owner);
    const refused = watching(ada, here, place);
    await expect(within(60_000, refused.ended, 'it was refused')).rejects.toMatchObject({
      cause: [{ message: 'Project not found.', extensions: { code: 'NOT_FOUND' } }],
    });
    await addMember(owner, place.id, ada, 'VIEWER');
    const watch = watching(ada, here, place);
    const watchOfAdmin = watching(admin, there, place);
    await seeing(watchOfAdmin, ada, admin);
    for (;;) {
      const { data, errors } = await watch.next();
      if (data.presenceChanged.count < 2) continue;
      expect(data.presenceChanged.viewers).toContainEqual({ id: admin.id, name: 'Root', email: null });
      expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', requires: 'ADMIN' } }]);
      break;
    }
    await emptied(watch, watchOfAdmin);
  });

  it('ends with FORBIDDEN for a removed member, who leaves at once for others', async () => {
    const place = await project();
    const witness = watching(owner, here, place);
    const lost = [watching(ada, there, place), watching(ada, here, place, UPDATES)];
    const kept = watching(bob, there, place);
    await seeing(witness, owner, ada, bob);
    await owner.data(REMOVE, { p: place.id, u: ada.id });
    for (const watch of lost) {
      await expect(within(60_000, watch.ended, 'it ended')).rejects.toMatchObject({
        cause: [
          {
            message: 'This requires the project role VIEWER.',
            extensions: { code: 'FORBIDDEN', requires: 'VIEWER' },
          },
        ],
      });
    }
    await seeing(witness, owner, bob);
    await seeing(kept, owner, bob);
    await admin.data('mutation ($id: ID!) { deleteProject(id: $id) }', { id: place.id });
    for (const watch of [witness, kept]) {
      await expect(within(60_000, watch.ended, 'it ended')).rejects.toMatchObject({
        cause: [{ extensions: { code: 'FORBIDDEN' } }],
      });
    }
    await emptied();
  });

  it('takes a bounded number of statements for a crowd', async () => {
    const place = await project();
    const witness = watching(owner, here, place);
    await seeing(witness, owner);
    const sockets = [ada, bob].flatMap((person) => [here, there].map(({ url }) => person.socket(url)));
    let crowd: Watch[] = [];
    const statements = await statementsOf(async () => {
      crowd = sockets.flatMap((socket) =>
        Array.from({ length: 50 }, () => socket.subscribe(PRESENCE, { id: place.id })),
      );
      await Promise.all(crowd.map((watch) => seeing(watch, owner, ada, bob)));
    });
    await seeing(witness, owner, ada, bob);
    const reads = statements.filter((sql) => /from node_entry|from account\b/.test(sql));
    process.stdout.write(
      `figure: 200 subscribers of presence: ${reads.length} reads of ${statements.length} statements\n`,
    );
    expect(reads.length).toBeGreaterThan(0);
    expect(reads.length).toBeLessThan(60);
    for (const watch of crowd) watch.stop();
    await seeing(witness, owner);
    expect(witness.pending).toEqual([]);
    await emptied(witness);
    for (const node of [here, there]) assertNothingLogged(node);
  });
});

describe('presence while a backend is away', () => {
  it('keeps present accounts and shows arrivals late without Redis', async () => {
    const place = await project();
    const witness = watching(owner, here, place);
    const other = watching(ada, there, place);
    await seeing(witness, owner, ada);
    await redis.kill9();
    const late = watching(bob, there, place);
    expect(await message(witness)).toMatchObject({ count: 3, joined: [{ id: bob.id }], left: [] });
    late.stop();
    expect(await message(witness)).toMatchObject({ count: 2, left: [{ id: bob.id }] });
    await redis.restart();
    await until(() => [here, there].every(({ app }) => app.get<PubSub>(PUB_SUB).healthy), 'wake-ups arrive again');
    await emptied(witness, other);
  });

  it('keeps present accounts when PostgreSQL connections are cut', async () => {
    const place = await project();
    const witness = watching(owner, here, place);
    const other = watching(ada, there, place);
    await seeing(witness, owner, ada);
    await here.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'tidings'`,
    );
    const late = await admitted(bob, there, place);
    expect(await message(witness)).toMatchObject({ count: 3, joined: [{ id: bob.id }], left: [] });
    await emptied(witness, other, late);
    for (const node of [here, there]) node.logged.splice(0);
  });

  it('removes accounts of a killed instance within 15 s', async () => {
    const place = await project();
    const doomed = await ServiceProcess.start({
      DATABASE_URL: here.database.url,
      DATABASE_POOL_SIZE: POOL_SIZE,
      REDIS_URL: redis.url,
      APP_SECRET: SECRET,
      PUBLIC_URL: here.config.publicUrl,
      PORT: '0',
    });
    const witness = watching(owner, here, place);
    const other = ada.socket(doomed.url).subscribe(PRESENCE, { id: place.id });
    await seeing(witness, owner, ada);
    const began = performance.now();
    await doomed.stop('SIGKILL');
    const said = await within(60_000, message(witness), 'the dead node’s viewer was gone');
    process.stdout.write(`figure: gone after kill -9: ${((performance.now() - began) / 1_000).toFixed(1)} s\n`);
    expect(said).toMatchObject({ count: 1, left: [{ id: ada.id }] });
    await emptied(witness, other);
  }, 60_000);
});
