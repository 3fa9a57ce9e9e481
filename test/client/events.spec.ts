// `@tidings/client`: events, each once and in order, whatever the connection does.
import { isCurrent, useClients } from '../support/client.js';
import { createProject, postUpdate, type TestProject } from '../support/factories.js';
import { type Person, useTidings } from '../support/tidings.js';
import { runAfter, until } from '../support/wait.js';

const tidings = useTidings();
const clients = useClients(tidings);
let editor: Person;
let project: TestProject;
beforeAll(async () => {
  editor = await tidings.current.asUser('EDITOR');
  project = await createProject(editor);
});

const SUBSCRIPTION = `subscription ($id: ID!, $after: String) {
  projectUpdated(projectId: $id, after: $after) { cursor seq kind project { id } update { id title } }
}`;
const SNAPSHOT = 'query ($id: ID!) { project(id: $id) { id name lastCursor } }';

it('events() starts now, ends with its signal, and resumes from a cursor', async () => {
  const client = await clients.signedIn(editor);
  const abort = new AbortController();
  const seen: { cursor: string; update: { title: string } }[] = [];
  const loop = (async () => {
    for await (const event of client.events({ projectId: project.id, signal: abort.signal })) seen.push(event);
  })();
  await isCurrent(client);
  for (const title of ['one', 'two', 'three']) await postUpdate(editor, project.id, { title });
  await until(() => seen.length === 3, 'three events had come');
  abort.abort();
  await loop;
  const again = client.events({ projectId: project.id, after: seen[0]!.cursor });
  expect((await again.next()).value.update.title).toBe('two');
  expect((await again.next()).value.update.title).toBe('three');
  await again.return();
});

it('events() loses and duplicates nothing in 20 random cuts', async () => {
  const client = await clients.signedIn(editor);
  const seqs: number[] = [];
  const ends: unknown[] = [];
  const live = client.live({
    snapshot: SNAPSHOT,
    subscription: SUBSCRIPTION,
    variables: { id: project.id },
    onEvent: ({ seq }) => seqs.push(seq),
    onEnd: (end) => ends.push(end),
  });
  await isCurrent(client);
  const posting = new AbortController();
  let posted = 0;
  const poster = (async () => {
    while (!posting.signal.aborted) {
      await runAfter(20, () => postUpdate(editor, project.id));
      posted += 1;
    }
  })();
  for (let cut = 0; cut < 20; cut += 1) {
    await runAfter(30 + Math.random() * 200, async () => clients.proxy.cut());
    await until(() => client.connection.get().socket === 'open', 'it was connected again');
  }
  posting.abort();
  await poster;
  await until(() => seqs.length >= posted, `all ${posted} had come`);
  expect(ends).toEqual([]);
  expect(seqs).toEqual(Array.from({ length: posted }, (_, index) => seqs[0]! + index));
  live.stop();
});

it('equal events() share a subscription, and the second misses nothing', async () => {
  const client = await clients.signedIn(editor);
  const { lastCursor } = (await editor.data(SNAPSHOT, { id: project.id })).project;
  const titles: string[][] = [[], []];
  const payload = { query: SUBSCRIPTION, variables: { id: project.id, after: lastCursor } };
  const subscribe = (index: number) =>
    client.subscribe(payload, {
      next: ({ data }) => titles[index]!.push(data.projectUpdated.update.title),
      error: (error) => titles[index]!.push(JSON.stringify(error)),
      complete: () => titles[index]!.push('complete'),
    });
  const stops = [subscribe(0)];
  await isCurrent(client);
  await postUpdate(editor, project.id, { title: 'before' });
  await until(() => titles[0]!.length === 1, 'the first had it');
  stops.push(subscribe(1));
  await postUpdate(editor, project.id, { title: 'after' });
  await until(() => titles[0]!.length === 2 && titles[1]!.length === 2, 'both had both');
  expect(titles).toEqual([
    ['before', 'after'],
    ['before', 'after'],
  ]);
  await tidings.current.watching(1);
  for (const stop of stops) stop();
  await tidings.current.watching(0);
});
