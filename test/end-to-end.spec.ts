// The main journey: sign in, create a project, subscribe, post an update, receive it.
import { addMember, createProject, postUpdate } from './support/factories.js';
import { useTidings } from './support/tidings.js';

const tidings = useTidings();

const WATCH = `subscription ($id: ID!) { projectUpdated(projectId: $id) { seq kind subjectId cursor update { title health } actor { id } } }`;

describe('end to end', () => {
  it('a posted update reaches a subscribed member', async () => {
    const editor = await tidings.current.asUser('EDITOR');
    const viewer = await tidings.current.asUser('USER');
    const project = await createProject(editor);
    await addMember(editor, project.id, viewer, 'VIEWER');
    const watch = viewer.socket().subscribe(WATCH, { id: project.id });
    await tidings.current.watching(1);
    const id = await postUpdate(editor, project.id, { title: 'Engines tested', health: 'AT_RISK' });
    const { data } = await watch.next();
    expect(data.projectUpdated).toMatchObject({
      kind: 'UPDATE_POSTED',
      subjectId: id,
      seq: 3,
      update: { title: 'Engines tested', health: 'AT_RISK' },
      actor: { id: editor.id },
    });
  });
});
