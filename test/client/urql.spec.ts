// `@tidings/client/urql`: urql over our session and socket.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { exchanges } from '@tidings/client/urql';
import { Client, type OperationResult } from '@urql/core';
import { isCurrent, useClients } from '../support/client.js';
import { addMember, createProject, postUpdate, type TestProject } from '../support/factories.js';
import { type Person, useTidings } from '../support/tidings.js';
import { until } from '../support/wait.js';

const tidings = useTidings();
const clients = useClients(tidings);
let editor: Person;
let project: TestProject;
beforeEach(async () => {
  editor ??= await tidings.current.asUser('EDITOR');
  project = await createProject(editor);
});

const PAGE = 'query ($id: ID!) { project(id: $id) { id updates(first: 9) { nodes { id title } } } }';
const POST = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id project { id } } }';
const EVENTS = `subscription ($id: ID!, $after: String) {
  projectUpdated(projectId: $id, after: $after) { cursor kind project { id budget } update { id title } }
}`;

async function urqlFor(person: Person) {
  const own = await clients.signedIn(person);
  return { own, urql: new Client({ url: clients.url, exchanges: exchanges(own) }) };
}

const input = (title = 'Once') => ({ projectId: project.id, title, health: 'ON_TRACK' });

it('the urql client refetches a query after a related mutation', async () => {
  const { urql } = await urqlFor(editor);
  const shown: OperationResult[] = [];
  const running = urql.query(PAGE, { id: project.id }).subscribe((result) => shown.push(result));
  await until(() => shown.length > 0, 'it was read');
  await urql.mutation(POST, { input: input('Posted') }).toPromise();
  const rows = () => shown.map(({ data }) => data.project.updates.nodes.length as number);
  await until(() => rows().at(-1) === 1, 'it was read again');
  expect(rows()[0]).toBe(0);
  running.unsubscribe();
});

it('the urql client answers equal concurrent mutations', async () => {
  const { urql } = await urqlFor(editor);
  const ids = await Promise.all(
    [1, 2].map(async () => (await urql.mutation(POST, { input: input() }).toPromise()).data?.postUpdate.id),
  );
  expect(new Set(ids).size).toBe(2);
});

/** The event of the second update. */
const isPosted = ({ data }: OperationResult) => data?.projectUpdated?.update?.title === 'As editor';

it('the urql client delivers each subscription event with its own errors, and none twice', async () => {
  const viewer = await tidings.current.asUser('EDITOR');
  await addMember(editor, project.id, viewer, 'VIEWER');
  const { own, urql } = await urqlFor(viewer);
  const results: OperationResult[] = [];
  urql.subscription(EVENTS, { id: project.id }).subscribe((result) => results.push(result));
  await isCurrent(own);
  await postUpdate(editor, project.id, { title: 'As viewer' });
  await until(() => results.length === 1, 'the first event had arrived');
  expect(results[0]!.error?.graphQLErrors[0]?.extensions['code']).toBe('FORBIDDEN');

  await addMember(editor, project.id, viewer, 'EDITOR');
  await postUpdate(editor, project.id, { title: 'As editor' });
  await until(() => results.some(isPosted), 'the second event had arrived');
  expect(results.find(isPosted)!.error).toBeUndefined();

  const remove = 'mutation ($project: ID!, $user: ID!) { removeProjectMember(projectId: $project, userId: $user) }';
  await editor.data(remove, { project: project.id, user: viewer.id });
  await until(() => !results.at(-1)!.hasNext, 'it had ended');
  const cursors = results.flatMap(({ data }) => data?.projectUpdated?.cursor ?? []);
  expect(cursors).toEqual([...new Set(cursors)]);
  expect(results.at(-1)!.error?.graphQLErrors).not.toHaveLength(0);
});

it('the urql client releases answered mutations', async () => {
  const { urql } = await urqlFor(editor);
  const variables: WeakRef<object>[] = [];
  for (let count = 0; count < 20; count += 1) {
    const own = { input: input(`Number ${count}`) };
    variables.push(new WeakRef(own));
    await urql.mutation(POST, own).toPromise();
  }
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // The last ones may still be on the stack.
  collect();
  expect(variables.filter((ref) => ref.deref()).length).toBeLessThan(5);
});
