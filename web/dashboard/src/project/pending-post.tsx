import type { ReactNode } from 'react';
import { controls } from '../../../shared/controls.js';
import styles from './feed.module.css';
import type { Outbox, Post } from './outbox.js';

/** State of a pending post, with retry and discard. */
export function PendingPost<Input>({
  post,
  outbox,
}: {
  readonly post: Post<Input>;
  readonly outbox: Outbox<Input>;
}): ReactNode {
  const problem = outbox.problems.get(post.key);
  if (post.id) return <p className={controls.hint}>Posted</p>;
  if (problem === undefined) return <p className={controls.hint}>Posting</p>;
  return (
    <p className={styles.unposted} role="alert">
      <span>Not posted. {problem} Your draft is saved.</span>
      <button className={controls.link} onClick={() => outbox.retry(post)}>
        Try again
      </button>
      <button className={controls.link} onClick={() => outbox.discard(post)}>
        Discard
      </button>
    </p>
  );
}
