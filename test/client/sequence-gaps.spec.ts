// `@tidings/client`: events that are missing, and cursors that have expired.
import { createTidings, fetcher, type LiveEnd, type LiveStatus, type Tidings } from '@tidings/client';
import { payloadOf, ScriptedService } from '../support/scripted-service.js';
import { isCurrent } from '../support/client.js';
import { until } from '../support/wait.js';

const SNAPSHOT = 'query ($id: ID!) { project(id: $id) { id name lastCursor } }';
const SUBSCRIPTION = `subscription ($id: ID!, $after: String) {
  projectUpdated(projectId: $id, after: $after) { cursor seq project { id } }
}`;

let service: ScriptedService;
let tidings: Tidings;
let cursor: string;
beforeEach(async () => {
  cursor = 'c1';
  service = await ScriptedService.start(() => ({ data: { project: { id: 'p', name: 'Comet', lastCursor: cursor } } }));
  tidings = createTidings({ url: service.url, transport: 'body' });
  await tidings.adopt(payloadOf('ada'));
});
afterEach(async () => {
  tidings.close();
  await service.stop();
});

const event = (seq: number) => ({ projectUpdated: { cursor: `c${seq}`, seq, project: { id: 'p' } } });

/** What `live()` says, in order. */
function follow(variables: object = {}) {
  const heard = {
    seqs: [] as number[],
    statuses: [] as LiveStatus[],
    ends: [] as LiveEnd[],
    snapshots: 0,
  };
  tidings.live({
    snapshot: SNAPSHOT,
    subscription: SUBSCRIPTION,
    variables: { id: 'p', ...variables },
    onSnapshot: () => (heard.snapshots += 1),
    onEvent: ({ seq }) => heard.seqs.push(seq),
    onStatus: (status) => heard.statuses.push(status),
    onEnd: (end) => heard.ends.push(end),
  });
  return heard;
}

it('live() is not stale before it was live', async () => {
  const heard = follow();
  await isCurrent(tidings);
  expect(heard.statuses).toEqual(['live']);
});

it('live() is stale while the socket is away, also before it was live', async () => {
  const heard = follow();
  await service.subscription('projectUpdated');
  await service.stop();
  await until(() => heard.statuses.includes('stale'), 'it was stale');
  expect([heard.statuses.at(-1), heard.ends]).toEqual(['stale', []]);
  service = await ScriptedService.start(service.answer);
});

it('live() reads the snapshot again at a gap in `seq` and delivers the event after it', async () => {
  const heard = follow();
  const subscription = await service.subscription('projectUpdated');
  subscription.next(event(2));
  subscription.next(event(3));
  await until(() => heard.seqs.length === 2, 'two had come');
  expect(heard.snapshots).toBe(1);
  cursor = 'c7';
  subscription.next(event(7));
  await until(() => heard.snapshots === 2, 'the snapshot was read again');
  subscription.next(event(8));
  await until(() => heard.seqs.length === 4, 'the others had come');
  expect(heard.seqs).toEqual([2, 3, 7, 8]);
  expect(heard.snapshots).toBe(2);
  expect(heard.ends).toEqual([]);
});

it('live() with own events excluded accepts gaps', async () => {
  const heard = follow({ includeOwn: false });
  const subscription = await service.subscription('projectUpdated');
  for (const seq of [2, 7, 9]) subscription.next(event(seq));
  await until(() => heard.seqs.length === 3, 'all had come');
  expect(heard.snapshots).toBe(1);
});

it('live() queues at most 512 events while reading the snapshot and reads it again beyond', async () => {
  const heard = follow();
  const subscription = await service.subscription('projectUpdated');
  // Shares it, and so has each event when `live` has it.
  let arrived = 0;
  const count = { next: () => (arrived += 1), error: () => {}, complete: () => {} };
  tidings.subscribe({ query: SUBSCRIPTION, variables: { id: 'p', after: 'c1' } }, count);
  const answered = Promise.withResolvers<object>();
  service.answer = () => answered.promise;
  for (const seq of [2, 4]) subscription.next(event(seq));
  await until(() => service.asked.length === 2, 'it was read again');
  for (let seq = 5; seq < 605; seq += 1) subscription.next(event(seq));
  await until(() => arrived === 602, 'all had come');
  const project = { id: 'p', name: 'Comet', lastCursor: 'c600' };
  service.answer = () => ({ data: { project: { ...project, lastCursor: 'c604' } } });
  answered.resolve({ data: { project } });
  await until(() => heard.snapshots === 3, 'it was read once more');
  subscription.next(event(605));
  await until(() => heard.seqs.includes(605), 'the next one had come');
  expect(heard.seqs).toEqual([2, 4, 605]);
  expect(heard.snapshots).toBe(3);
});

it('live() restarts from the snapshot when its cursor expired', async () => {
  const heard = follow();
  const first = await service.subscription('projectUpdated');
  expect(first.variables).toMatchObject({ after: 'c1' });
  await isCurrent(tidings);
  cursor = 'c50';
  first.error('CURSOR_EXPIRED');
  const second = await service.subscription('projectUpdated', 2);
  expect(second.variables).toMatchObject({ after: 'c50' });
  second.next(event(51));
  await until(() => heard.seqs.length === 1, 'the next one had come');
  await until(() => heard.statuses.at(-1) === 'live', 'it was live again');
  expect(heard.statuses).toEqual(['live', 'stale', 'live']);
  expect([heard.snapshots, heard.ends]).toEqual([2, []]);
});

it('events() ends with the code of an expired cursor after earlier events', async () => {
  const events = tidings.events({ projectId: 'p', after: 'c1' });
  const first = events.next();
  const subscription = await service.subscription('projectUpdated');
  subscription.next(event(2));
  subscription.next(event(9));
  subscription.error('CURSOR_EXPIRED');
  expect(await first).toMatchObject({ value: { seq: 2 } });
  expect(await events.next()).toMatchObject({ value: { seq: 9 } });
  await expect(events.next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED', name: 'OperationFailed' });
  expect(await events.next()).toEqual({ value: undefined, done: true });
});

it('live() is not live while its refused subscription waits', async () => {
  const heard = follow();
  const first = await service.subscription('projectUpdated');
  await isCurrent(tidings);
  first.error('SERVICE_UNAVAILABLE');
  await until(() => heard.statuses.at(-1) === 'stale', 'it was stale');
  await service.subscription('projectUpdated', 2);
  await until(() => heard.statuses.at(-1) === 'live', 'it was live again');
  expect(heard.statuses).toEqual(['live', 'stale', 'live']);
});

it('live() of one account ends when another signs in while its subscription waits', async () => {
  const heard = follow();
  const first = await service.subscription('projectUpdated');
  await isCurrent(tidings);
  first.error('SERVICE_UNAVAILABLE');
  await until(() => heard.statuses.at(-1) === 'stale', 'it was stale');
  await tidings.adopt(payloadOf('bob'));
  expect(heard.ends).toMatchObject([{ reason: 'signed-out', error: { name: 'SignedOut' } }]);
});

it('changes of access are reported to the next account as well', async () => {
  follow();
  await service.subscription('accessChanged');
  await tidings.adopt(payloadOf('bob'));
  const heard = follow();
  const second = await service.subscription('accessChanged', 2);
  await until(() => heard.statuses.at(-1) === 'live', 'it was live');
  second.next({ accessChanged: { projectId: 'p', role: 'VIEWER', cursor: 'c2' } });
  await until(() => heard.snapshots > 1, 'the snapshot was read again');
  expect(heard.ends).toEqual([]);
});

it('a renamed account is reported and nothing ends', async () => {
  const heard = follow();
  await isCurrent(tidings);
  await tidings.adopt(payloadOf('ada', 'Ada Lovelace'));
  expect(tidings.session.get()).toMatchObject({ status: 'signed-in', account: { id: 'ada', name: 'Ada Lovelace' } });
  expect(heard.ends).toEqual([]);
});

it('a mutation in a fragment is sent once, answered or not', async () => {
  service.answer = ({ query }) =>
    query.includes('mutation') ? { errors: [{ message: 'No.', extensions: { code: 'SERVICE_UNAVAILABLE' } }] } : {};
  const text = 'fragment F on Project { id owner { id } } mutation { createProject(input: { name: "{" }) { ...F } }';
  await expect(tidings.request(text)).rejects.toMatchObject({ name: 'Unavailable' });
  expect(service.asked.filter(({ query }) => query.includes('mutation'))).toHaveLength(1);
});

it('fetcher() finds the operation by its whole name, and is released by asking for the iterator again', async () => {
  const fetch = fetcher(tidings);
  const query = `# subscription One
    query One { project(id: "subscription One") { id } } subscription OneMore { projectUpdated(projectId: "p") { seq } }`;
  expect(await fetch({ query, operationName: 'One' })).toMatchObject({ data: { project: { id: 'p' } } });
  const results = fetch({ query, operationName: 'OneMore' }) as AsyncIterableIterator<unknown>;
  const first = results.next();
  (await service.subscription('projectUpdated')).next(event(2));
  expect(await first).toMatchObject({ value: { data: { projectUpdated: { seq: 2 } } } });
  const waiting = results.next();
  // As GraphiQL stops.
  expect(results[Symbol.asyncIterator]()).toBe(results);
  await results[Symbol.asyncIterator]().return!();
  expect(await waiting).toEqual({ value: undefined, done: true });
  await until(() => service.open.size === 0, 'the subscription was freed');
});
