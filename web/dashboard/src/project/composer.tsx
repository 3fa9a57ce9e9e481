// Form for a new update.
import { useSession } from '@tidings/client/react';
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { classes, controls } from '../../../shared/controls.js';
import { HEALTH_WORDS, type Health, Shape } from '../../../shared/shapes.js';
import styles from './composer.module.css';
import { useStoredState } from './stored-state.js';

export interface UpdateDraft {
  readonly title: string;
  readonly body: string;
  readonly note: string;
  readonly health: Health | null;
}

const EMPTY: UpdateDraft = { title: '', body: '', note: '', health: null };
const isEmpty = ({ title, body, note }: UpdateDraft): boolean => !title && !body && !note;
const CHOICES: readonly Health[] = ['ON_TRACK', 'AT_RISK', 'OFF_TRACK'];

export function UpdateComposer({
  projectId,
  health,
  onPost,
}: {
  readonly projectId: string;
  /** Current health of the project, the default for the update. */
  readonly health: Health | null;
  readonly onPost: (draft: UpdateDraft & { readonly health: Health }) => void;
}): ReactNode {
  const id = useId();
  const session = useSession();
  const account = session.status === 'signed-in' ? session.account.id : '';
  const [draft, setDraft] = useStoredState(`draft ${account} ${projectId}`, EMPTY, isEmpty);
  const [isOpen, setOpen] = useState(!isEmpty(draft));
  const set = (change: Partial<UpdateDraft>): void => setDraft((before) => ({ ...before, ...change }));
  const chosen = draft.health ?? health ?? 'ON_TRACK';
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!draft.title.trim()) return;
    onPost({ ...draft, title: draft.title.trim(), health: chosen });
    setDraft(() => EMPTY);
    setOpen(false);
  };
  if (!isOpen)
    return (
      <button className={styles.opener} onClick={() => setOpen(true)}>
        Write an update
      </button>
    );
  return (
    <form className={styles.composer} onSubmit={submit} aria-label="New update">
      <fieldset className={styles.health}>
        <legend className={controls.hidden}>How is the project doing?</legend>
        {CHOICES.map((value) => (
          <label key={value} className={styles.choice} data-health={value}>
            <input
              className={controls.hidden}
              type="radio"
              name={`${id}-health`}
              checked={chosen === value}
              onChange={() => set({ health: value })}
            />
            <Shape health={value} />
            {HEALTH_WORDS[value]}
          </label>
        ))}
      </fieldset>
      <input
        className={controls.input}
        aria-label="Title"
        placeholder="Title, in one line"
        maxLength={200}
        required
        autoFocus
        dir="auto"
        value={draft.title}
        onChange={({ target }) => set({ title: target.value })}
      />
      <textarea
        className={controls.input}
        aria-label="Text"
        placeholder="What has happened, what comes next. Markdown works."
        rows={4}
        maxLength={20_000}
        dir="auto"
        value={draft.body}
        onChange={({ target }) => set({ body: target.value })}
      />
      <details open={draft.note !== ''}>
        <summary className={styles.summary}>Internal note, for those who edit the project</summary>
        <textarea
          className={controls.input}
          aria-label="Internal note"
          rows={2}
          maxLength={4_000}
          dir="auto"
          value={draft.note}
          onChange={({ target }) => set({ note: target.value })}
        />
      </details>
      <div className={styles.actions}>
        <button className={controls.primary}>Post update</button>
        <button type="button" className={classes(controls.quiet)} onClick={() => setOpen(false)}>
          {isEmpty(draft) ? 'Cancel' : 'Keep as draft'}
        </button>
      </div>
    </form>
  );
}
