// Fan-out to many subscribers: one execution per event for all with the same access, slow and returning readers,
// limits.
import { subscribe, netOf, useBystander } from './support/bystander.js';
import { addMember, createProject, postUpdate, type TestProject } from './support/factories.js';
import { limitWrites, useHubControl } from './support/hub.js';
import { postMany, postUntilBehind, nextEvents } from './support/live.js';
import type { RawSocket } from './support/socket-client.js';
import { statementsOf } from './support/statements.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
const hub = useHubControl(tidings);
const bystander = useBystander(tidings);

const watchOf = (fields: string) =>
  `subscription ($id: ID!, $after: String, $own: Boolean) { projectUpdated(projectId: $id, after: $after, includeOwn: $own) { ${fields} } }`;
const allOf = (fields: string) => `subscription ($after: String) { projectsUpdated(after: $after) { ${fields} } }`;
const LIGHT = 'seq subjectId update { id title } actor { name }';
/** Some 4 KB an event, so that a reader who has stopped lags soon. */
const HEAVY = `seq kind skipped project { id } ${Array.from({ length: 100 }, (_, n) => `a${n}: cursor`).join(' ')}`;
const heavy = (onLag: string) => `subscription { projectsUpdated(onLag: ${onLag}) { ${HEAVY} } }`;
const REMOVE = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';

const stats = () => hub.stats;
const from = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);
const seqsOf = (socket: RawSocket, field = 'projectUpdated') =>
  socket.messages.filter(({ type }) => type === 'next').map(({ payload }) => payload.data[field].seq as number);
const idsOf = ({ messages }: RawSocket) => [...new Set(messages.map(({ id }) => id))];

/** What the work of the hub grew by while `work` ran. */
async function grown(work: () => Promise<unknown>): Promise<{ executions: number; deliveries: number }> {
  const before = stats();
  await work();
  const after = stats();
  return { executions: after.executions - before.executions, deliveries: after.deliveries - before.deliveries };
}

/** The bystander's own project apart, so that what it hears itself is not counted. */
async function team(): Promise<{ editor: Person; viewer: Person; project: TestProject }> {
  const [editor, viewer] = await Promise.all([tidings.current.asUser('EDITOR'), tidings.current.asUser('USER')]);
  const project = await createProject(editor);
  await addMember(editor, project.id, viewer, 'VIEWER');
  return { editor, viewer, project };
}

describe('fan-out of one event', () => {
  it('executes once for equal documents, regardless of spelling, cursor and viewer', async () => {
    const { editor, viewer, project } = await team();
    const other = await tidings.current.asUser('USER');
    await addMember(editor, project.id, other, 'VIEWER');
    const documents = [
      [watchOf(LIGHT), { id: project.id }],
      [watchOf(LIGHT).replaceAll(' ', '\n  '), { id: project.id, own: true }],
      [watchOf(LIGHT).replace('subscription', 'subscription Named'), { id: project.id, own: false }],
      [`subscription { projectUpdated(projectId: "${project.id}") { ${LIGHT} } }`, undefined],
    ] as const;
    const groups = stats().groups;
    const watches = [viewer, other].flatMap((person) => {
      const socket = person.socket();
      return documents.slice(0, 3).map(([query, variables]) => socket.subscribe(query, variables));
    });
    await tidings.current.watching(7);
    const work = await grown(async () => {
      await postUpdate(editor, project.id, { title: 'Once' });
      for (const watch of watches) expect((await nextEvents(watch, 1))[0]!.update.title).toBe('Once');
    });
    expect(work).toEqual({ executions: stats().groups - groups, deliveries: 6 });
    expect(work.executions).toBeLessThanOrEqual(2);
    for (const watch of watches) watch.stop();
    await tidings.current.watching(1);
  });

  it('executes once per permission class', async () => {
    const { editor, viewer, project } = await team();
    const query = watchOf('seq update { title internalNote }');
    const sockets = [editor.socket(), viewer.socket()];
    const watches = from(0, 10).map((n) => sockets[n % 2]!.subscribe(query, { id: project.id }));
    await tidings.current.watching(11);
    const work = await grown(async () => {
      await postUpdate(editor, project.id, { title: 'Hush', internalNote: 'secret' });
      for (const [n, watch] of watches.entries()) {
        const { data, errors } = await watch.next();
        expect(data.projectUpdated.update).toEqual({ title: 'Hush', internalNote: n % 2 ? null : 'secret' });
        expect(errors?.map(({ extensions }) => extensions.code)).toEqual(n % 2 ? ['FORBIDDEN'] : undefined);
      }
    });
    expect(work).toEqual({ executions: 2, deliveries: 10 });
    for (const watch of watches) watch.stop();
    await tidings.current.watching(1);
  });

  it('executes per viewer where the document depends on the viewer', async () => {
    const { editor, viewer, project } = await team();
    const query = watchOf('seq actor { email }');
    const watches = [editor, viewer].map((person) => person.socket().subscribe(query, { id: project.id }));
    await tidings.current.watching(3);
    const work = await grown(async () => {
      await postUpdate(editor, project.id);
      expect(await watches[0]!.next()).toMatchObject({ data: { projectUpdated: { actor: { email: editor.email } } } });
      expect(await watches[1]!.next()).toMatchObject({
        data: { projectUpdated: { actor: { email: null } } },
        errors: [{ extensions: { code: 'FORBIDDEN' } }],
      });
    });
    expect(work).toEqual({ executions: 2, deliveries: 2 });
    for (const watch of watches) watch.stop();
    await tidings.current.watching(1);
  });

  it('loads once for 30 documents, without statements per subscriber or document', async () => {
    const { editor, viewer, project } = await team();
    const others = [await tidings.current.asUser('USER'), await tidings.current.asUser('USER')];
    for (const person of others) await addMember(editor, project.id, person, 'VIEWER');
    const watches = [viewer, ...others].flatMap((person, n) => {
      const socket = person.socket();
      return from(10 * n, 10).map((m) => socket.subscribe(watchOf(`${LIGHT} a${m}: kind`), { id: project.id }));
    });
    await tidings.current.watching(31);
    const arrivals = async () => {
      for (const watch of watches) await nextEvents(watch, 1);
    };
    await postUpdate(editor, project.id);
    await arrivals();
    const sent = await statementsOf(async () => {
      await postMany(tidings.current.app, editor.id, project.id, 1);
      await arrivals();
    });
    const reads = sent.filter((sql) => /^select .* from (project_update|account)\b/.test(sql));
    expect(reads).toHaveLength(2);
    expect(new Set(reads.map((sql) => /from (\w+)/.exec(sql)![1]))).toEqual(new Set(['account', 'project_update']));
    for (const watch of watches) watch.stop();
    await tidings.current.watching(1);
  });

  it('serves the largest group first', async () => {
    const { editor, viewer, project } = await team();
    const ask = (fields: string) => viewer.socket().subscribe(watchOf(fields), { id: project.id });
    const small = from(0, 3).map((n) => ask(`seq s${n}: kind`));
    const large = from(0, 4).map(() => ask('seq large: kind'));
    await tidings.current.watching(8);
    const first = Promise.withResolvers<void>();
    const held = hub.holdExecutions(({ resource }, count) =>
      resource.id === project.id && count === 1 ? first.promise : undefined,
    );
    await postUpdate(editor, project.id);
    for (const watch of small) await nextEvents(watch, 1);
    expect([held.begun(3), large.map(({ pending }) => pending.length)]).toEqual([4, [0, 0, 0, 0]]);
    first.resolve();
    for (const watch of large) await nextEvents(watch, 1);
    for (const watch of [...small, ...large]) watch.stop();
    await tidings.current.watching(1);
  });

  it('uses the id of each operation, with events of any length', async () => {
    const { editor, project } = await team();
    const socket = await bystander.hostile();
    await addMember(editor, project.id, bystander.person, 'VIEWER');
    const ids = ['1', 'with "quotes" and \\', '🙂 and\n', 'x'.repeat(128)];
    const body = 'é'.repeat(9_000);
    for (const [n, id] of ids.entries()) {
      const fields = Array.from({ length: n === 3 ? 5 : n }, (_, m) => `b${m}: body`).join(' ');
      const query = watchOf(`seq ${n === 0 ? '' : `update { ${fields} }`}`);
      socket.send(subscribe(id, { query, variables: { id: project.id } }));
    }
    await tidings.current.watching(5);
    await postUpdate(editor, project.id, { body });
    await until(() => socket.messages.length === 4, 'all had heard of it');
    for (const [n, id] of ids.entries()) {
      const { payload } = socket.messages.find((message) => message.id === id)!;
      const { update } = payload.data.projectUpdated;
      expect(Object.values<string>(update ?? {})).toEqual(Array.from({ length: n === 3 ? 5 : n }, () => body));
    }
    await socket.close();
  });
});

describe('fan-out of bursts', () => {
  it('of more events than a group may queue delivers all in order, once', async () => {
    const { editor, viewer, project } = await team();
    const watches = [editor, viewer].map((person) => person.socket().subscribe(watchOf('seq'), { id: project.id }));
    await tidings.current.watching(3);
    await postMany(tidings.current.app, editor.id, project.id, 900, 900);
    await postUpdate(editor, project.id);
    for (const watch of watches) {
      expect((await nextEvents(watch, 901)).map(({ seq }) => seq)).toEqual(from(3, 901));
      watch.stop();
    }
    await until(() => stats().behind === 0, 'nobody was behind');
    await tidings.current.watching(1);
  });

  it('of more events than a group may queue continues for subscribers at the head', async () => {
    const { editor, project } = await team();
    await addMember(editor, project.id, bystander.person, 'VIEWER');
    const socket = await bystander.hostile();
    socket.send(subscribe('s', { query: watchOf('seq'), variables: { id: project.id } }));
    await tidings.current.watching(2);
    const reader = limitWrites(bystander.servers(socket));
    const first = Promise.withResolvers<void>();
    const held = hub.holdExecutions(({ resource, seq }) =>
      resource.id === project.id && seq === 4 ? first.promise : undefined,
    );
    await postUpdate(editor, project.id);
    await until(() => held.begun(4) === 1, 'the first was being made');
    await postMany(tidings.current.app, editor.id, project.id, 300);
    // It lags at the first: nobody is left for those that wait, and for some there was no room.
    first.resolve();
    await until(() => stats().behind === 1, 'it had fallen back');
    await hub.idle(hub.groups);
    reader.allow(1_000);
    await until(() => seqsOf(socket).length === 301 && stats().behind === 0, 'it was at the head again');
    await postUpdate(editor, project.id);
    await until(() => seqsOf(socket).length === 302, 'it was given what came then');
    expect(seqsOf(socket)).toEqual(from(4, 302));
    await socket.close();
    await tidings.current.watching(1);
  });
});

describe('replay', () => {
  it('delivers all in order, once, to dozens of subscribers at different positions during posts', async () => {
    const { editor, viewer, project } = await team();
    await postMany(tidings.current.app, editor.id, project.id, 300);
    const list = viewer.socket().subscribe(watchOf('seq cursor'), { id: project.id, after: project.lastCursor });
    const cursors = (await nextEvents(list, 302)).map(({ cursor }) => cursor as string);
    list.stop();
    await tidings.current.watching(1);
    const COUNT = 40;
    const work = await grown(async () => {
      const posting = postMany(tidings.current.app, editor.id, project.id, 200);
      const sockets = [viewer.socket(), editor.socket()];
      const watches = from(0, COUNT).map((n) =>
        sockets[n % 2]!.subscribe(watchOf(LIGHT), { id: project.id, after: cursors[(n % 4) * 50] }),
      );
      await posting;
      for (const [n, watch] of watches.entries()) {
        const first = (n % 4) * 50 + 2;
        const events = await nextEvents(watch, 502 - first + 1);
        expect(events.map(({ seq }) => seq)).toEqual(from(first, 502 - first + 1));
      }
      for (const watch of watches) expect(watch.pending).toEqual([]);
      for (const watch of watches) watch.stop();
    });
    process.stdout.write(
      `figure: ${work.deliveries} missed events to ${COUNT} subscribers: ${work.executions} executions\n`,
    );
    // One for each subscriber would be as many as deliveries; how many are shared depends on who comes back at the same time.
    expect(work.executions).toBeLessThan(work.deliveries / 2);
    await tidings.current.watching(1);
  });

  it('applies current rights: re-added members miss nothing, former members receive nothing', async () => {
    const { editor, viewer, project } = await team();
    const after = project.lastCursor;
    await postUpdate(editor, project.id);
    await editor.data(REMOVE, { p: project.id, u: viewer.id });
    await postUpdate(editor, project.id);
    const gone = viewer.socket().subscribe(allOf('seq'), { after });
    await tidings.current.watching(2);
    await until(() => stats().behind === 0, 'it had seen that there is nothing for it');
    await addMember(editor, project.id, viewer, 'VIEWER');
    const last = await postUpdate(editor, project.id);
    expect((await nextEvents(gone, 2, 'projectsUpdated')).map(({ seq }) => seq)).toEqual([6, 7]);
    const back = viewer.socket().subscribe(watchOf('seq subjectId'), { id: project.id, after });
    const events = await nextEvents(back, 7);
    expect(events.map(({ seq }) => seq)).toEqual(from(1, 7));
    expect(events.at(-1)!.subjectId).toBe(last);
    gone.stop();
    back.stop();
    await tidings.current.watching(1);
  });
});

describe('a subscriber that lags', () => {
  const LATEST = heavy('LATEST');
  const CATCH_UP = heavy('CATCH_UP');

  it('with LATEST receives the newest event of each project and the skipped count', async () => {
    const { person } = bystander;
    const [one, other] = [await createProject(person), await createProject(person)];
    const [slow, quick] = [await bystander.hostile(), await bystander.hostile()];
    slow.send(subscribe('slow', { query: LATEST }));
    quick.send(subscribe('quick', { query: 'subscription { projectsUpdated { seq } }' }));
    await tidings.current.watching(3);
    slow.ws.pause();
    const served = bystander.servers(slow);
    let most = 0;
    const look = setInterval(() => (most = Math.max(most, served['ws'].bufferedAmount)), 5);
    const round = { [one.id]: 250, [other.id]: 50 };
    const rounds = await postUntilBehind(tidings.current.app, person.id, { quick, slow: served }, round);
    clearInterval(look);
    await quick.close();
    expect(most).toBeLessThan(2 << 20);
    slow.ws.resume();
    const given = () => slow.messages.map(({ payload }) => payload.data.projectsUpdated);
    const of = (project: TestProject) => given().filter((event) => event.project.id === project.id);
    const [lastOfOne, lastOfOther] = [rounds * 250 + 1, rounds * 50 + 1];
    const complete = () => of(one).at(-1)?.seq === lastOfOne && of(other).at(-1)?.seq === lastOfOther;
    await until(complete, 'the newest had come', 60_000);
    for (const [events, last] of [[of(one), lastOfOne] as const, [of(other), lastOfOther] as const]) {
      let expected = 2;
      for (const event of events) {
        expected += (event.skipped as number | null) ?? 0;
        expect(event.seq).toBe(expected);
        expected += 1;
      }
      expect(expected).toBe(last + 1);
      expect(events.some(({ skipped }) => skipped > 0)).toBe(true);
    }
    slow.messages.length = 0;
    await postUpdate(person, one.id);
    await until(() => given().length === 1, 'the next one had come');
    expect(given()[0]).toMatchObject({ seq: lastOfOne + 1, skipped: null });
    slow.messages.length = 0;
    await bystander.stillServes(slow);
  });

  it('with CATCH_UP receives every event without delaying its group', async () => {
    const { person } = bystander;
    const project = await createProject(person);
    const slow = await bystander.hostile();
    const quick = await bystander.hostile();
    // As long as each other: their frames differ in nothing else.
    slow.send(subscribe('slow', { query: CATCH_UP }));
    quick.send(subscribe('fast', { query: CATCH_UP }));
    await tidings.current.watching(3);
    slow.ws.pause();
    const both = { quick, slow: bystander.servers(slow) };
    const count = 250 * (await postUntilBehind(tidings.current.app, person.id, both, { [project.id]: 250 }));
    expect(stats().behind).toBe(1);
    expect(seqsOf(quick, 'projectsUpdated')).toEqual(from(2, count));
    slow.ws.resume();
    await until(() => slow.messages.length === count, 'the slow one had them all', 60_000);
    expect(seqsOf(slow, 'projectsUpdated')).toEqual(from(2, count));
    expect([idsOf(slow), idsOf(quick)]).toEqual([['slow'], ['fast']]);
    await until(() => stats().behind === 0, 'it was at the head again');
    for (const socket of [slow, quick]) socket.messages.length = 0;
    await quick.close();
    await bystander.stillServes(slow);
  });
});

describe('a completed operation', () => {
  it('receives nothing after its complete, even with events in progress', async () => {
    const { person } = bystander;
    const project = await createProject(person);
    const socket = await bystander.hostile();
    const posting = postMany(tidings.current.app, person.id, project.id, 500);
    for (let n = 0; n < 20; n += 1) {
      socket.messages.length = 0;
      const after = project.lastCursor;
      socket.send(subscribe(`r${n}`, { query: watchOf('seq'), variables: { id: project.id, after } }));
      await socket.next('next');
      socket.send(JSON.stringify({ id: `r${n}`, type: 'complete' }));
      socket.send(subscribe(`q${n}`, { query: '{ me { id } }' }));
      await until(
        () => socket.messages.some(({ id, type }) => id === `q${n}` && type === 'complete'),
        'it was answered',
      );
      const answered = socket.messages.findIndex(({ id }) => id === `q${n}`);
      expect(socket.messages.slice(answered).filter(({ id }) => id === `r${n}`)).toEqual([]);
    }
    await posting;
    netOf(socket.ws).destroy();
    await socket.closed;
    await tidings.current.watching(1);
  });
});
