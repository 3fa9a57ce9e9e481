// Faults during deliveries: no event is lost or delivered twice.
import { LogReader } from '../src/engine/events/log-reader.js';
import { EventRetention } from '../src/engine/events/retention.js';
import { SubscriptionLimits } from '../src/engine/realtime/fan-out/subscription-limits.js';
import { Hub } from '../src/engine/realtime/fan-out/hub.js';
import { netOf, subscribe, useBystander } from './support/bystander.js';
import { addMember, createProject, postUpdate, type TestProject } from './support/factories.js';
import { limitWrites, loopIterations, useHubControl } from './support/hub.js';
import { postMany } from './support/live.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
// First of all, so that nobody waits for what a test has done to it.
const hub = useHubControl(tidings);
const bystander = useBystander(tidings);

const watchOf = (fields: string) =>
  `subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { ${fields} } }`;
const from = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);

async function team(): Promise<{ editor: Person; viewer: Person; other: Person; project: TestProject }> {
  const [editor, viewer, other] = await Promise.all(from(0, 3).map(() => tidings.current.asUser('EDITOR')));
  const project = await createProject(editor!);
  for (const person of [viewer!, other!]) await addMember(editor!, project.id, person, 'VIEWER');
  return { editor: editor!, viewer: viewer!, other: other!, project };
}

/** As if everything had been written long ago, and the time had come. */
async function pruneAll(): Promise<void> {
  const { database, app } = tidings.current;
  await database.query('alter table event disable trigger event_is_immutable');
  await database.query(`update event set at = at - interval '10 years'`);
  await database.query('alter table event enable trigger event_is_immutable');
  expect(await app.get(EventRetention).prune()).toBeGreaterThan(200);
}

describe('a subscriber moved back while later events wait', () => {
  it('receives events after its new position once when its rights changed', async () => {
    const { editor, viewer, project } = await team();
    const [live, replayed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const watch = viewer.socket().subscribe(watchOf('seq update { internalNote }'), { id: project.id });
    await tidings.current.watching(2);
    const places = hub.groups;
    const held = hub.holdExecutions(({ resource, seq }, count) => {
      if (resource.id !== project.id || seq !== 4) return undefined;
      return count === 1 ? live.promise : replayed.promise;
    });
    await postUpdate(editor, project.id, { internalNote: 'four' });
    await until(() => held.begun(4) === 1, 'the event was being executed');
    await addMember(editor, project.id, viewer, 'EDITOR');
    await postUpdate(editor, project.id, { internalNote: 'six' });
    live.resolve();
    // It goes back for 4, while its old place still has 5 and 6 for it.
    await until(() => held.begun(4) === 2, 'it was being made again');
    await hub.idle(places);
    replayed.resolve();
    const notes = [];
    for (let n = 0; n < 3; n += 1) {
      const { projectUpdated: event } = (await watch.next()).data;
      notes.push([event.seq, event.update?.internalNote]);
    }
    expect(notes).toEqual([
      [4, 'four'],
      [5, undefined],
      [6, 'six'],
    ]);
    await loopIterations();
    expect(watch.pending).toEqual([]);
    watch.stop();
    await tidings.current.watching(1);
  });

  it.each([2, 3])(
    'receives everything in order, once, when its document stops being shareable (of %s)',
    async (count) => {
      const { editor, viewer, other, project } = await team();
      const people = [editor, viewer, other].slice(0, count);
      const before = hub.stats.groups;
      // `internalNote` makes classes: the viewers are one, the editor is one alone.
      const query = watchOf(`seq update { title internalNote } of${count}: kind`);
      const watches = people.map((person) => person.socket().subscribe(query, { id: project.id }));
      const [shared, own] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      await tidings.current.watching(count + 1);
      expect(hub.stats.groups).toBe(before + 1);
      const places = hub.groups;
      const held = hub.holdExecutions(({ resource, seq }, time) => {
        if (resource.id !== project.id || seq !== 5) return undefined;
        return time <= 2 ? shared.promise : own.promise;
      });
      await postUpdate(editor, project.id, { title: 'Shared' });
      for (const watch of watches) expect((await watch.next()).data.projectUpdated.update.title).toBe('Shared');
      hub.showViewerInTitle();
      await postUpdate(editor, project.id, { title: 'five' });
      await until(() => held.begun(5) === 2, 'both classes had got to it');
      for (const n of ['six', 'seven']) await postUpdate(editor, project.id, { title: n });
      shared.resolve();
      // Each goes back for 5, in a place of its own, while the place that they shared still has 6 and 7 for them.
      await until(() => held.begun(5) === 2 + count, 'it was being made again for each');
      await hub.idle(places);
      own.resolve();
      for (const [n, watch] of watches.entries()) {
        const { id } = people[n]!;
        const given = [];
        while (given.length < 3) {
          const { data } = await watch.next();
          given.push([data.projectUpdated.seq, data.projectUpdated.update.title]);
        }
        expect(given).toEqual([
          [5, `${id} five`],
          [6, `${id} six`],
          [7, `${id} seven`],
        ]);
      }
      expect(tidings.current.logged.splice(0)).toEqual([expect.stringContaining('the account was read')]);
      expect(hub.stats.groups).toBe(before + count);
      for (const watch of watches) {
        expect(watch.pending).toEqual([]);
        watch.stop();
      }
      await tidings.current.watching(1);
      expect(hub.stats.groups).toBe(before);
    },
  );
});

describe('a burst of expensive events', () => {
  it('is delivered in order, once, when its document stops being shareable half-way', async () => {
    const { editor, viewer, other, project } = await team();
    const people = [editor, viewer, other];
    // So dear that each event is made by itself; `internalNote` makes classes.
    const query = watchOf(
      `seq update { title internalNote ${from(0, 60)
        .map((n) => `b${n}: body`)
        .join(' ')} }`,
    );
    const behind = viewer.socket().subscribe(query, { id: project.id, after: project.lastCursor });
    for (let n = 0; n < 3; n += 1) await behind.next();
    const watches = people.map((person) => person.socket().subscribe(query, { id: project.id }));
    await tidings.current.watching(5);
    hub.showViewerInTitle((title) => title === 'Of many, 3');
    await postMany(tidings.current.app, editor.id, project.id, 8, 8);
    await postUpdate(editor, project.id, { title: 'After it' });
    for (const [n, watch] of [...watches, behind].entries()) {
      const given = [];
      while (given.length < 9) given.push((await watch.next()).data.projectUpdated);
      expect(given.map(({ seq }) => seq)).toEqual(from(4, 9));
      expect(given[3].update.title).toBe(`${(people[n] ?? viewer).id} Of many, 3`);
    }
    expect(tidings.current.logged.splice(0)).toEqual([expect.stringContaining('the account was read')]);
    await loopIterations();
    for (const watch of [...watches, behind]) {
      expect(watch.pending).toEqual([]);
      watch.stop();
    }
    await tidings.current.watching(1);
  });
});

describe('a subscriber reading events while they are pruned', () => {
  it.each(['CATCH_UP', 'LATEST'])('ends with CURSOR_EXPIRED before a gap (%s)', async (onLag) => {
    const { editor, viewer, project } = await team();
    await postMany(tidings.current.app, editor.id, project.id, 250);
    hub.clearRecent();
    const pruned = Promise.withResolvers<void>();
    const held = hub.holdExecutions(({ resource }) => (resource.id === project.id ? pruned.promise : undefined));
    const query = `subscription ($after: String) { projectsUpdated(after: $after, onLag: ${onLag}) { seq skipped } }`;
    const watch = viewer.socket().subscribe(query, { after: project.lastCursor });
    await until(() => held.begun(2) === 1, 'the first page was being made');
    await pruneAll();
    // As if it had not been able to keep up: with LATEST what follows is counted, and not given.
    for (const subscriber of tidings.current.app.get(Hub)['subscribers'].keys())
      if (subscriber.request.latestOnLag) subscriber.lagged = true;
    pruned.resolve();
    await expect(watch.ended).rejects.toMatchObject({ cause: [{ extensions: { code: 'CURSOR_EXPIRED' } }] });
    const given = watch.pending.map(({ data }) => data.projectsUpdated.seq);
    expect(given).toEqual(from(1, given.length));
    expect(given.length).toBeLessThanOrEqual(100);
    await tidings.current.watching(1);
  });
});

describe('a subscriber of a log that does not answer', () => {
  it('waits for the statement timeout, reads again and misses nothing', async () => {
    const { editor, viewer, project } = await team();
    await postMany(tidings.current.app, editor.id, project.id, 250);
    hub.clearRecent();
    const reader = tidings.current.app.get(LogReader);
    const { pageTimeout } = reader;
    reader.pageTimeout = 100;
    const failures: unknown[] = [];
    reader.afterWithoutHole = (...asked) =>
      LogReader.prototype.afterWithoutHole.apply(reader, asked).catch((error: unknown) => {
        failures.push((error as { code?: unknown }).code);
        throw error;
      });
    hub.undo.push(
      () => Reflect.deleteProperty(reader, 'afterWithoutHole'),
      () => {
        reader.pageTimeout = pageTimeout;
      },
    );
    const locked = Promise.withResolvers<void>();
    const held = hub.holdExecutions(({ resource }) => (resource.id === project.id ? locked.promise : undefined));
    const watch = viewer.socket().subscribe(watchOf('seq'), { id: project.id, after: project.lastCursor });
    await until(() => held.begun(1) === 1, 'the first page was being made');
    const { database } = tidings.current;
    await database.query('begin');
    await database.query('lock table event in access exclusive mode');
    locked.resolve();
    await until(() => failures.length >= 2, 'it had read in vain');
    expect(new Set(failures)).toEqual(new Set(['57014']));
    await database.query('commit');
    for (const seq of from(1, 253)) expect((await watch.next()).data.projectUpdated.seq).toBe(seq);
    watch.stop();
    await tidings.current.watching(1);
    // Its own looks may have found the log locked too.
    tidings.current.logged.length = 0;
  });
});

describe('a LATEST subscriber', () => {
  // So dear that each event is made by itself.
  const DEAR = `seq skipped project { id ${from(0, 240)
    .map((n) => `a${n}: description`)
    .join(' ')} }`;

  it('that lags again during catch-up receives pending events with skip counts', async () => {
    const { person } = bystander;
    const projects: TestProject[] = [];
    for (let n = 0; n < 4; n += 1) projects.push(await createProject(person));
    const socket = await bystander.hostile();
    socket.send(subscribe('s', { query: `subscription { projectsUpdated(onLag: LATEST) { ${DEAR} } }` }));
    await tidings.current.watching(2);
    const reader = limitWrites(bystander.servers(socket));
    const post = (...places: number[]) =>
      places.reduce(
        (before, n) => before.then(() => postMany(tidings.current.app, person.id, projects[n]!.id, 1)),
        Promise.resolve(),
      );
    await post(0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3);
    const given = () =>
      socket.messages.map(({ payload }) => {
        const { seq, skipped, project } = payload.data.projectsUpdated;
        return [projects.findIndex(({ id }) => id === project.id), seq, skipped];
      });
    await until(() => hub.stats.behind === 1, 'it lagged');
    reader.allow(2);
    await until(() => given().length === 2, 'it was given as much as it takes');
    await post(2, 2, 0);
    await loopIterations();
    expect(given()).toEqual([
      [0, 4, 2],
      [1, 4, 2],
    ]);
    socket.messages.length = 0;
    reader.allow(100);
    await until(() => given().length === 3, 'it was given the rest');
    await post(3);
    await until(() => given().length === 4, 'it was at the head again');
    expect(given()).toEqual([
      [3, 4, 2],
      [2, 6, 4],
      [0, 5, 0],
      [3, 5, null],
    ]);
    await socket.close();
    await tidings.current.watching(1);
  });

  it('that resumes from a cursor receives every event, as with CATCH_UP', async () => {
    const { editor, viewer, project } = await team();
    await postMany(tidings.current.app, editor.id, project.id, 150);
    const query = 'subscription ($after: String) { projectsUpdated(after: $after, onLag: LATEST) { seq skipped } }';
    const watch = viewer.socket().subscribe(query, { after: project.lastCursor });
    for (const seq of from(1, 153)) {
      expect((await watch.next()).data.projectsUpdated).toEqual({ seq, skipped: null });
    }
    watch.stop();
    await tidings.current.watching(1);
  });
});

describe('a subscriber that does not read', () => {
  it('buffers one event of a document with long texts, not all missed ones', async () => {
    const { person } = bystander;
    const project = await createProject(person);
    for (let n = 0; n < 12; n += 1) await postUpdate(person, project.id, { body: 'x'.repeat(20_000) });
    const slow = await bystander.hostile();
    slow.ws.pause();
    // As often as one may ask for it.
    const fields = from(0, 95).map((n) => `a${n}: body`);
    const query = watchOf(`update { ${fields.join(' ')} }`);
    slow.send(subscribe('s', { query, variables: { id: project.id, after: project.lastCursor } }));
    const ws = bystander.servers(slow)['ws'];
    let most = 0;
    const before = hub.stats.executions;
    await until(() => {
      most = Math.max(most, ws.bufferedAmount);
      return most > 0 && hub.stats.behind === 1 && ws.isPaused;
    }, 'it lagged');
    await loopIterations(200);
    expect(Math.max(most, ws.bufferedAmount)).toBeLessThan(3 << 20);
    // Those that the operating system has taken, the one that waits for it, and the one that found it lagging.
    expect(hub.stats.executions - before).toBeLessThan(12);
    slow.ws.terminate();
    await tidings.current.watching(1);
  });
});

describe('expensive executions per viewer', () => {
  it('run one at a time', async () => {
    const { editor, viewer, other, project } = await team();
    const fields = from(0, 90).map((n) => `a${n}: body`);
    const query = (n: number) => watchOf(`n${n}: kind actor { email } update { ${fields.join(' ')} }`);
    const watches = [viewer, other].flatMap((person) =>
      from(0, 6).map((n) => person.socket().subscribe(query(n), { id: project.id })),
    );
    await tidings.current.watching(13);
    const made = Promise.withResolvers<void>();
    const held = hub.holdExecutions(({ resource }) => (resource.id === project.id ? made.promise : undefined));
    await postUpdate(editor, project.id, { body: 'x' });
    await until(() => held.begun(4) > 0, 'it was being made');
    await loopIterations();
    // One at the head, and one for those whose accounts have spent their budget.
    expect(held.begun(4)).toBe(2);
    made.resolve();
    for (const watch of watches) {
      expect((await watch.next()).data.projectUpdated.update.a89).toBe('x');
      watch.stop();
    }
    await tidings.current.watching(1);
  });
});

describe('a closed socket', () => {
  it('releases its subscriptions in every state', async () => {
    const { editor, project } = await team();
    await postMany(tidings.current.app, editor.id, project.id, 300);
    const before = hub.stats.groups;
    const { bytes } = tidings.current.app.get(SubscriptionLimits);
    for (let n = 0; n < 6; n += 1) {
      const socket = await bystander.hostile();
      await addMember(editor, project.id, bystander.person, 'VIEWER');
      const net = netOf(socket.ws);
      net.cork();
      for (let id = 0; id < 40; id += 1) {
        const after = id % 2 ? project.lastCursor : undefined;
        socket.send(
          subscribe(`s${id}`, { query: watchOf(`seq a${id % 10}: kind`), variables: { id: project.id, after } }),
        );
        if (id % 3 === 0) socket.send(JSON.stringify({ id: `s${id}`, type: 'complete' }));
      }
      net.uncork();
      await loopIterations(n * n);
      net.destroy();
      await socket.closed;
    }
    await tidings.current.watching(1);
    await until(() => hub.stats.groups === before && hub.stats.behind === 0, 'no group was left');
    expect(tidings.current.app.get(SubscriptionLimits).bytes).toBe(bytes);
  });
});
