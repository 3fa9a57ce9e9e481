// Comments on an update: collapsed to three, with a field for a new one.
import { type FormEvent, type KeyboardEvent, type ReactNode, useCallback, useState } from 'react';
import { useSession } from '@tidings/client/react';
import { Age } from '../../../shared/age.js';
import { classes, controls } from '../../../shared/controls.js';
import { Avatar } from '../frame/avatars.js';
import { PostCommentDocument, type PostCommentInput } from '../gql/graphql.js';
import styles from './feed.module.css';
import { useStoredState } from './stored-state.js';
import { type Outbox, type Post, useOutbox } from './outbox.js';
import { type CommentData, loadOlderComments, type UpdateData, useMore } from './project-data.js';
import { PendingPost } from './pending-post.js';

const MAX_COLLAPSED = 3;
const MAX_LENGTH = 4_000;

export function CommentItem({
  comment: { author, createdAt, editedAt, body, update },
  withUpdate = false,
}: {
  readonly comment: CommentData;
  /** Shows which update the comment belongs to. */
  readonly withUpdate?: boolean;
}): ReactNode {
  return (
    <li className={styles.comment}>
      <Avatar person={author} />
      <div className={styles.said}>
        <p className={styles.by}>
          <bdi className={styles.author}>{author.name}</bdi> <Age at={createdAt} />
          {editedAt && <span>edited</span>}
        </p>
        {withUpdate && update && (
          <p className={styles.about}>
            About <bdi>{update.title}</bdi>
          </p>
        )}
        <p className={styles.body} dir="auto">
          {body}
        </p>
      </div>
    </li>
  );
}

export function PendingComment({
  post,
  outbox,
}: {
  readonly post: Post<PostCommentInput>;
  readonly outbox: Outbox<PostCommentInput>;
}): ReactNode {
  const session = useSession();
  if (session.status !== 'signed-in') return null;
  return (
    <li className={styles.comment} data-pending="">
      <Avatar person={session.account} />
      <div className={styles.said}>
        <p className={styles.by}>
          <bdi className={styles.author}>{session.account.name}</bdi>
        </p>
        <p className={styles.body} dir="auto">
          {post.input.body}
        </p>
        <PendingPost post={post} outbox={outbox} />
      </div>
    </li>
  );
}

const isBlank = (text: string): boolean => text === '';

export function CommentComposer({
  target,
  label,
  onPost,
}: {
  /** Name under which the draft is stored. */
  readonly target: string;
  readonly label: string;
  readonly onPost: (body: string) => void;
}): ReactNode {
  const session = useSession();
  const account = session.status === 'signed-in' ? session.account.id : '';
  const [body, setBody] = useStoredState<string>(`draft ${account} ${target}`, '', isBlank);
  const submit = (event?: FormEvent): void => {
    event?.preventDefault();
    if (!body.trim()) return;
    onPost(body.trim());
    setBody(() => '');
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) submit();
  };
  return (
    <form className={styles.reply} onSubmit={submit}>
      <textarea
        className={controls.input}
        aria-label={label}
        placeholder={label}
        rows={body ? 3 : 1}
        maxLength={MAX_LENGTH}
        value={body}
        dir="auto"
        onChange={({ target: { value } }) => setBody(() => value)}
        onKeyDown={onKeyDown}
      />
      {body && <button className={controls.button}>Post comment</button>}
    </form>
  );
}

/** Outbox of comments on an update, or in the chat of a project. */
export function useComments(projectId: string, updateId: string | undefined, shown: readonly CommentData[]) {
  const session = useSession();
  const me = session.status === 'signed-in' ? session.account.id : '';
  const isThere = ({ id, input, at }: Post<PostCommentInput>): boolean =>
    shown.some((comment) =>
      id
        ? comment.id === id
        : comment.author.id === me && comment.body === input.body && Date.parse(comment.createdAt) > at - 5_000,
    );
  const outbox = useOutbox<PostCommentInput>(`comment ${updateId ?? projectId}`, PostCommentDocument, isThere);
  return { outbox, say: (body: string) => outbox.post({ projectId, body, ...(updateId ? { updateId } : {}) }) };
}

export function UpdateComments({
  projectId,
  update: { id, title, comments },
}: {
  readonly projectId: string;
  readonly update: UpdateData;
}): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const { nodes, pageInfo } = comments;
  const { outbox, say } = useComments(projectId, id, nodes);
  const { hasNextPage, endCursor } = pageInfo;
  const load = useCallback(() => loadOlderComments(id, endCursor ?? null), [id, endCursor]);
  const { state, more } = useMore(load);
  const shown = (isOpen ? nodes : nodes.slice(0, MAX_COLLAPSED)).toReversed();
  const earlier = nodes.length - shown.length;
  return (
    <div className={styles.comments}>
      {(earlier > 0 || (isOpen && hasNextPage)) && (
        <button
          className={classes(controls.link, styles.unfold)}
          disabled={state === 'loading'}
          onClick={() => (isOpen ? more() : setOpen(true))}
        >
          {state === 'failed'
            ? 'Earlier comments could not be loaded. Try again'
            : earlier > 0 && !hasNextPage
              ? `Show ${earlier} earlier ${earlier === 1 ? 'comment' : 'comments'}`
              : 'Show earlier comments'}
        </button>
      )}
      {(shown.length > 0 || outbox.posts.length > 0) && (
        <ul className={styles.list} aria-label={`Comments about ${title}`}>
          {shown.map((comment) => (
            <CommentItem key={comment.id} comment={comment} />
          ))}
          {outbox.posts.toReversed().map((post) => (
            <PendingComment key={post.key} post={post} outbox={outbox} />
          ))}
        </ul>
      )}
      <CommentComposer target={id} label="Add a comment" onPost={say} />
    </div>
  );
}
