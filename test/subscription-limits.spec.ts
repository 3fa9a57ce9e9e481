// Budgets of an account's subscriptions: memory for documents and variables, and executions of events.
import { SubscriptionLimits } from '../src/engine/realtime/fan-out/subscription-limits.js';
import { subscribe, useBystander } from './support/bystander.js';
import { addMember, createProject, postUpdate } from './support/factories.js';
import { useHubControl } from './support/hub.js';
import { useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
const hub = useHubControl(tidings);
const bystander = useBystander(tidings);

const watchOf = (fields: string) =>
  `subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { ${fields} } }`;
const stats = () => hub.stats;
const from = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);
/** As large as a document of a subscription may be, and like no other. */
const largeOf = (root: string, n: number) =>
  `subscription { ${root} { ${from(0, 328)
    .map((m) => `n${n}x${m}: __typename`)
    .join(' ')} } }`;
const ROOTS = ['announcementPosted', 'notificationReceived', 'projectsUpdated'];
/** Plans of running subscriptions: as many as there are different documents and variables. */
const running = () => tidings.current.app.get(SubscriptionLimits)['plans'].size;
const bytes = () => tidings.current.app.get(SubscriptionLimits).bytes;

describe('execution limits', () => {
  it('allow an account 10 executions per event and resource for any number of subscriptions', async () => {
    const { person, project } = bystander;
    const other = await createProject(person);
    const socket = await bystander.hostile();
    const ask = (id: string, n: number, to = project.id) =>
      socket.send(subscribe(id, { query: watchOf(`seq a${n}: kind`), variables: { id: to } }));
    for (let n = 0; n < 9; n += 1) ask(`s${n}`, n);
    ask('again', 7);
    ask('once more', 7, project.id.toUpperCase());
    await tidings.current.watching(11);
    ask('too many', 50);
    expect((await socket.next('error')).payload).toMatchObject([{ extensions: { code: 'RATE_LIMITED' } }]);
    const elsewhere = person.socket().subscribe(watchOf('seq another: kind'), { id: project.id.toUpperCase() });
    await expect(elsewhere.ended).rejects.toMatchObject({ cause: [{ extensions: { code: 'RATE_LIMITED' } }] });
    // Another resource is counted by itself.
    for (let n = 0; n < 10; n += 1) ask(`o${n}`, n, other.id);
    await tidings.current.watching(21);
    socket.send(JSON.stringify({ id: 's3', type: 'complete' }));
    await tidings.current.watching(20);
    ask('fits', 50);
    await tidings.current.watching(21);
    await bystander.stillServes(socket);
    await tidings.current.watching(1);
    expect(stats().groups).toBe(1);
  });

  it('count one execution per session for documents executed per viewer', async () => {
    const { person, project } = bystander;
    const socket = await bystander.hostile();
    const query = watchOf('seq actor { email } tabs: kind');
    for (let n = 0; n < 30; n += 1) socket.send(subscribe(`t${n}`, { query, variables: { id: project.id } }));
    await tidings.current.watching(31);
    const before = stats();
    await postUpdate(person, project.id);
    await until(() => socket.messages.filter(({ type }) => type === 'next').length === 30, 'all had heard of it');
    for (const { payload } of socket.messages) expect(payload.data.projectUpdated.actor.email).toBe(person.email);
    expect(stats().executions - before.executions).toBe(2);
    await bystander.stillServes(socket);
  });

  it('move an account over its budget to replay, complete and in order', async () => {
    const { person } = bystander;
    const [project, member] = [await createProject(person), await tidings.current.asUser('USER')];
    await addMember(person, project.id, member, 'VIEWER');
    const socket = await bystander.hostile();
    const fields = from(0, 40).map((n) => `a${n}: description`);
    for (const n of from(0, 10)) {
      const query = watchOf(`seq n${n}: kind project { ${fields.join(' ')} }`);
      socket.send(subscribe(`s${n}`, { query, variables: { id: project.id } }));
    }
    const watch = member.socket().subscribe(watchOf('seq'), { id: project.id });
    await tidings.current.watching(12);
    const before = stats().catchUps;
    const COUNT = 30;
    for (let n = 0; n < COUNT; n += 1) await postUpdate(person, project.id);
    for (const seq of from(3, COUNT)) expect((await watch.next()).data.projectUpdated.seq).toBe(seq);
    const seqsOf = (id: string) =>
      socket.messages.filter((message) => message.id === id).map(({ payload }) => payload.data.projectUpdated.seq);
    await until(() => from(0, 10).every((n) => seqsOf(`s${n}`).length === COUNT), 'all had come');
    for (const n of from(0, 10)) expect(seqsOf(`s${n}`)).toEqual(from(3, COUNT));
    expect(stats().catchUps).toBeGreaterThan(before);
    watch.stop();
    await bystander.stillServes(socket);
  });
});

describe('document limits', () => {
  it('bound the bytes of an account over all fields and count equal documents once', async () => {
    const { person, project } = bystander;
    const before = bytes();
    const others = running();
    const socket = await bystander.hostile();
    const documents = from(0, 8).flatMap((n) => ROOTS.map((root) => largeOf(root, n)));
    for (const [n, query] of documents.entries()) socket.send(subscribe(`d${n}`, { query }));
    const refusedIds = () => new Set(socket.messages.map(({ id }) => id));
    const held = () => bytes() - before;
    await until(
      () => refusedIds().size + running() - others === documents.length,
      'each was let in or refused',
      60_000,
    );
    for (const { type, payload } of socket.messages) {
      expect(type).toBe('error');
      expect(payload).toMatchObject([{ extensions: { code: 'RATE_LIMITED', retryAfter: 60 } }]);
    }
    expect(held()).toBeLessThanOrEqual(1024 * 1024);
    // What it has already costs nothing, and small documents are free.
    const accepted = documents.filter((_, n) => !refusedIds().has(`d${n}`));
    expect(accepted.length).toBeGreaterThan(8);
    expect(accepted.length).toBeLessThan(16);
    socket.messages.length = 0;
    const again = accepted.slice(0, 3);
    for (const [n, query] of again.entries()) socket.send(subscribe(`e${n}`, { query }));
    const members = [...accepted, ...again].filter((query) => query.includes('projectsUpdated')).length;
    socket.send(subscribe('small', { query: watchOf('seq'), variables: { id: project.id } }));
    await tidings.current.watching(members + 2);
    await postUpdate(person, project.id);
    await until(() => socket.messages.some(({ id }) => id === 'small'), 'the small one was sent an event');
    expect(socket.messages.filter(({ type }) => type === 'error')).toEqual([]);
    socket.ws.terminate();
    await until(() => bytes() === before, 'all was given back');
    await tidings.current.watching(1);
  });

  it('count variables', async () => {
    const { project } = bystander;
    const before = bytes();
    const socket = await bystander.hostile();
    const query =
      'subscription ($id: ID!, $c: String) { projectUpdated(projectId: $id) { seq project { updates(first: 1, after: $c) { totalCount } } } }';
    for (let n = 0; n < 9; n += 1) {
      const c = `${n}`.repeat(50_000);
      socket.send(subscribe(`v${n}`, { query, variables: { id: project.id, c } }));
    }
    await until(() => socket.messages.filter(({ type }) => type === 'error').length >= 4, 'some were refused');
    expect(bytes() - before).toBeLessThanOrEqual(1024 * 1024 + 100_000);
    socket.ws.terminate();
    await until(() => bytes() === before, 'all was given back');
    await tidings.current.watching(1);
  });
});
