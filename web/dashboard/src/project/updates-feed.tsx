import { useSession } from '@tidings/client/react';
import { memo, type ReactNode, useCallback } from 'react';
import { Age } from '../../../shared/age.js';
import { classes, controls } from '../../../shared/controls.js';
import { HealthMark } from '../../../shared/shapes.js';
import { PostUpdateDocument, type PostUpdateInput } from '../gql/graphql.js';
import { NewMark } from '../wall/new-mark.js';
import { UpdateComments } from './comments.js';
import { UpdateComposer } from './composer.js';
import styles from './feed.module.css';
import { type Post, useOutbox } from './outbox.js';
import { loadOlderUpdates, type ProjectData, type UpdateData, useMore } from './project-data.js';
import { Prose } from './prose.js';
import { PendingPost } from './pending-post.js';

const UpdateItem = memo(function UpdateItem({
  projectId,
  update,
  asEditor,
}: {
  readonly projectId: string;
  readonly update: UpdateData;
  readonly asEditor: boolean;
}): ReactNode {
  const { title, health, author, createdAt, editedAt, body, internalNote } = update;
  return (
    <article className={styles.update} data-update={update.id}>
      <p className={styles.head}>
        <HealthMark health={health} />
        <NewMark at={createdAt} />
      </p>
      <h3 className={styles.title} dir="auto">
        {title}
      </h3>
      <p className={styles.by}>
        <bdi className={styles.author}>{author.name}</bdi> <Age at={createdAt} />
        {editedAt && <span>edited</span>}
      </p>
      <Prose text={body} />
      {asEditor && internalNote && (
        <div className={styles.note}>
          <p className={controls.label}>Internal note</p>
          <p dir="auto">{internalNote}</p>
        </div>
      )}
      <UpdateComments projectId={projectId} update={update} />
    </article>
  );
});

export function UpdatesFeed({
  project,
  asEditor,
}: {
  readonly project: ProjectData;
  readonly asEditor: boolean;
}): ReactNode {
  const { id, health, updates } = project;
  const session = useSession();
  const me = session.status === 'signed-in' ? session.account : undefined;
  const isThere = ({ id: postedId, input, at }: Post<PostUpdateInput>): boolean =>
    updates.nodes.some((update) =>
      postedId
        ? update.id === postedId
        : update.author.id === me?.id && update.title === input.title && Date.parse(update.createdAt) > at - 5_000,
    );
  const outbox = useOutbox<PostUpdateInput>(`update ${id}`, PostUpdateDocument, isThere);
  const { hasNextPage, endCursor } = updates.pageInfo;
  const load = useCallback(() => loadOlderUpdates(id, asEditor, endCursor ?? null), [id, asEditor, endCursor]);
  const { state, more } = useMore(load);
  return (
    <div className={styles.feed}>
      {asEditor && (
        <UpdateComposer
          projectId={id}
          health={health ?? null}
          onPost={({ title, body, note, health: said }) =>
            outbox.post({ projectId: id, title, body, health: said, ...(note ? { internalNote: note } : {}) })
          }
        />
      )}
      {outbox.posts.map((post) => (
        <article key={post.key} className={styles.update} data-pending="">
          <HealthMark health={post.input.health} />
          <h3 className={styles.title} dir="auto">
            {post.input.title}
          </h3>
          <p className={styles.by}>
            <bdi className={styles.author}>{me?.name}</bdi>
          </p>
          <Prose text={post.input.body ?? ''} />
          <PendingPost post={post} outbox={outbox} />
        </article>
      ))}
      {updates.nodes.length === 0 && outbox.posts.length === 0 && (
        <p className={styles.nothing}>
          No updates yet. {asEditor ? 'The first update shows everyone the health of the project.' : ''}
        </p>
      )}
      {updates.nodes.map((update) => (
        <UpdateItem key={update.id} projectId={id} update={update} asEditor={asEditor} />
      ))}
      {hasNextPage && (
        <button className={classes(controls.button, styles.more)} disabled={state === 'loading'} onClick={more}>
          {state === 'failed' ? 'Could not be loaded. Try again' : 'Show older updates'}
        </button>
      )}
    </div>
  );
}
