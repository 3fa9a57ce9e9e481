import { type ReactNode, useCallback } from 'react';
import { classes, controls } from '../../../shared/controls.js';
import { CommentComposer, CommentItem, PendingComment, useComments } from './comments.js';
import styles from './feed.module.css';
import { loadOlderChat, type ProjectData, useMore } from './project-data.js';

/** All comments in a project, newest first. */
export function ChatFeed({ project: { id, comments } }: { readonly project: ProjectData }): ReactNode {
  const { outbox, say } = useComments(id, undefined, comments.nodes);
  const { hasNextPage, endCursor } = comments.pageInfo;
  const load = useCallback(() => loadOlderChat(id, endCursor ?? null), [id, endCursor]);
  const { state, more } = useMore(load);
  return (
    <div className={styles.feed}>
      <CommentComposer target={`chat ${id}`} label="Say something in the chat" onPost={say} />
      {comments.nodes.length === 0 && outbox.posts.length === 0 && (
        <p className={styles.nothing}>Nothing has been said yet.</p>
      )}
      <ul className={styles.list} aria-label="Chat">
        {outbox.posts.map((post) => (
          <PendingComment key={post.key} post={post} outbox={outbox} />
        ))}
        {comments.nodes.map((comment) => (
          <CommentItem key={comment.id} comment={comment} withUpdate />
        ))}
      </ul>
      {hasNextPage && (
        <button className={classes(controls.button, styles.more)} disabled={state === 'loading'} onClick={more}>
          {state === 'failed' ? 'Could not be loaded. Try again' : 'Show older comments'}
        </button>
      )}
    </div>
  );
}
