// Pending posts: shown at once, stored until the service has them, retried with the same idempotency key so that none is duplicated.
import { OperationFailed, SignedOut } from '@tidings/client';
import { useSession } from '@tidings/client/react';
import { type DocumentNode, print } from 'graphql';
import { useCallback, useEffect, useRef, useState } from 'react';
import { serviceNow } from '../../../shared/clock.js';
import { tidings } from '../tidings.js';
import { useStoredState } from './stored-state.js';

export interface Post<Input> {
  /** Its `idempotencyKey`. */
  readonly key: string;
  readonly input: Input;
  /** Time of the service, ms since 1970. */
  readonly at: number;
  /** Id at the service, once it is posted. */
  readonly id?: string;
}

export interface Outbox<Input> {
  readonly posts: readonly Post<Input>[];
  /** Errors of failed posts, by key. Posts without an entry are being sent. */
  readonly problems: ReadonlyMap<string, string>;
  readonly post: (input: Input) => void;
  readonly retry: (post: Post<Input>) => void;
  readonly discard: (post: Post<Input>) => void;
}

const isNone = (posts: readonly unknown[]): boolean => posts.length === 0;
const makeKey = (): string => crypto.getRandomValues(new Uint32Array(4)).join('-');

function problemOf(error: unknown): string {
  if (!(error instanceof OperationFailed)) return '';
  if (error.code === 'FORBIDDEN' || error.code === 'NOT_FOUND') return 'You may not post here any more.';
  return error.code === 'BAD_USER_INPUT' || error.code === 'CONFLICT' ? error.message : '';
}

/** `isThere`: whether the list shows the post already. */
export function useOutbox<Input extends object>(
  target: string,
  document: DocumentNode,
  isThere: (post: Post<Input>) => boolean,
): Outbox<Input> {
  const session = useSession();
  const account = session.status === 'signed-in' ? session.account.id : '';
  const [posts, setPosts] = useStoredState<readonly Post<Input>[]>(`outbox ${account} ${target}`, [], isNone);
  // Posts from before a reload: whether they arrived is unknown.
  const [problems, setProblems] = useState(() => new Map(posts.map(({ key }) => [key, ''])));
  const isGone = useRef(false);
  useEffect(() => {
    isGone.current = false;
    return () => {
      isGone.current = true;
    };
  }, []);

  const send = useCallback(
    (post: Post<Input>) => {
      setProblems((all) => new Map([...all].filter(([key]) => key !== post.key)));
      const input = { ...post.input, idempotencyKey: post.key };
      const settle = async (): Promise<void> => {
        try {
          const data = await tidings.request<Record<string, { id: string }>>(print(document), { input });
          const { id } = Object.values(data)[0]!;
          // After the component unmounts, the post is removed from the storage.
          if (isGone.current) setPosts((all) => all.filter(({ key }) => key !== post.key));
          else setPosts((all) => all.map((one) => (one.key === post.key ? { ...one, id } : one)));
        } catch (error) {
          if (!(error instanceof SignedOut)) setProblems((all) => new Map([...all, [post.key, problemOf(error)]]));
        }
      };
      void settle();
    },
    [document, setPosts],
  );

  const done = posts.filter((post) => post.id && isThere(post)).map(({ key }) => key);
  const doneKeys = done.join();
  useEffect(() => {
    if (doneKeys) setPosts((all) => all.filter(({ key }) => !doneKeys.includes(key)));
  }, [doneKeys, setPosts]);

  return {
    posts: posts.filter((post) => !isThere(post)),
    problems,
    post(input) {
      const post = { key: makeKey(), input, at: serviceNow() };
      setPosts((all) => [post, ...all]);
      send(post);
    },
    retry: send,
    discard: (post) => setPosts((all) => all.filter(({ key }) => key !== post.key)),
  };
}
