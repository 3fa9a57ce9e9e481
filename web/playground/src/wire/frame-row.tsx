// One frame: a row that expands to its contents and an explanation.
import { memo, type ReactNode, useState } from 'react';
import { OWN_OPERATION } from '../rights.js';
import { useRights } from '../session/use-session.js';
import { placeText, sizeText, wayText, wayWords } from './as-text.js';
import { explain, gist } from './explain.js';
import type { Frame } from './frames.js';
import styles from './wire.module.css';

export const FrameRow = memo(function FrameRow({
  frame,
  time,
}: {
  readonly frame: Frame;
  readonly time: string;
}): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const { type, id, size, operation } = frame;
  return (
    <li className={styles.frame} data-way={frame.way} data-type={type}>
      <button type="button" className={styles.line} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        <time className={styles.time}>{time}</time>{' '}
        <span className={styles.way} title={wayWords(frame)}>
          <span aria-hidden="true">{wayText(frame)}</span>
          <span className={styles.words}>{wayWords(frame)}</span>
        </span>{' '}
        <span className={styles.type}>{type}</span> <span className={styles.id}>{id && `#${id}`}</span>{' '}
        <span className={styles.gist}>
          {gist(frame)}
          {operation === OWN_OPERATION && <span className={styles.own}> of this page</span>}
        </span>{' '}
        <span className={styles.size}>{size > 0 && sizeText(size)}</span>
      </button>
      {isOpen ? <Contents frame={frame} /> : <Explained frame={frame} isBrief />}
    </li>
  );
});

/** Explanation of a frame. Ends and failures are explained without expanding the row. */
function Explained({ frame, isBrief = false }: { readonly frame: Frame; readonly isBrief?: boolean }): ReactNode {
  const rights = useRights();
  if (isBrief && frame.type !== 'close') return null;
  const sentences = explain(frame, rights);
  if (sentences.length === 0) return null;
  return (
    <ul className={styles.why}>
      {sentences.map((sentence) => (
        <li key={sentence}>{sentence}</li>
      ))}
    </ul>
  );
}

function Contents({ frame }: { readonly frame: Frame }): ReactNode {
  const { document, rest } = partsOf(frame.text);
  return (
    <div className={styles.contents}>
      <p className={styles.place}>
        {placeText(frame)}, {wayWords(frame)}
      </p>
      <Explained frame={frame} />
      {document && <pre className={styles.text}>{document}</pre>}
      {rest && <pre className={styles.text}>{rest}</pre>}
    </div>
  );
}

/** Formats JSON for reading. A GraphQL document in it is shown separately with its line breaks. */
function partsOf(text: string): { readonly document?: string; readonly rest: string } {
  try {
    const json = JSON.parse(text) as { payload?: { query?: unknown }; body?: { query?: unknown } };
    const document = json.payload?.query ?? json.body?.query;
    if (typeof document !== 'string') return { rest: JSON.stringify(json, null, 2) };
    return { document: document.trim(), rest: JSON.stringify(json, withoutQuery, 2) };
  } catch {
    return { rest: text };
  }
}

const withoutQuery = (key: string, value: unknown): unknown => (key === 'query' ? undefined : value);
