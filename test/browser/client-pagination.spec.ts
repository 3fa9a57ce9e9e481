// `@tidings/client` with Apollo Client in a real Chromium: pages that are loaded while rows come and go.
import { createProject, postUpdate } from '../support/factories.js';
import type { Person } from '../support/tidings.js';
import { call, isShown, shown, signIn, useClientStage } from './client-stage.js';

const stage = useClientStage();
const remove = (person: Person, id: string) => person.data('mutation ($id: ID!) { removeUpdate(id: $id) }', { id });

it('pagination in both directions keeps every row once while rows are added and removed', async () => {
  const ada = await stage.current.tidings.asUser('EDITOR', 'Ada');
  const { id: projectId } = await createProject(ada);
  const page = await stage.current.tab();
  await signIn(page, ada);
  const ids: string[] = [];
  for (let at = 0; at < 60; at += 1) ids.push(await postUpdate(ada, projectId, { title: `U${at}` }));
  await call(page, 'show', [{ name: 'one', id: projectId }]);
  await isShown(page, 'one', 'status === "live" && rows.length === 20');
  /** Loads the page behind what is shown; the reply arrives after `meanwhile`. */
  const more = async (meanwhile: () => Promise<unknown>) => {
    const fault = stage.current.front.next('hold', /"query More/);
    const loaded = call(page, 'more', projectId);
    await fault.met;
    await meanwhile();
    fault.release();
    await loaded;
  };
  await more(async () => {
    await postUpdate(ada, projectId, { title: 'New 1' });
    await remove(ada, ids[55]!);
    await isShown(page, 'one', 'rows[0] === "New 1" && !rows.includes("U55")');
  });
  await isShown(page, 'one', 'rows.length === 40');
  // Of the page that is on its way one is removed, and of what is shown the last.
  await more(async () => {
    await remove(ada, ids[10]!);
    await remove(ada, ids[20]!);
    await postUpdate(ada, projectId, { title: 'New 2' });
    await isShown(page, 'one', 'rows[0] === "New 2" && !rows.includes("U20")');
  });
  const left = ids
    .map((_, at) => `U${at}`)
    .filter((_, at) => ![55, 10, 20].includes(at))
    .reverse();
  await isShown(page, 'one', 'rows.length >= 59');
  expect((await shown(page, 'one'))!.rows).toEqual(['New 2', 'New 1', ...left]);
  // From the other end.
  await call(page, 'show', []);
  await stage.current.tidings.watching(0);
  const backwards = await call<string[]>(page, 'backwards', projectId);
  expect(backwards).toEqual(['New 2', 'New 1', ...left]);
});
