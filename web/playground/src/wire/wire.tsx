// The Wire pane: recorded frames with explanations, and the roles of the account.
import type { GraphiQLPlugin } from '@graphiql/react';
import { type ReactNode, useDeferredValue, useMemo, useState, useSyncExternalStore } from 'react';
import { frames } from '../service.js';
import { asText, clockTime, matches } from './as-text.js';
import { MAX_FRAMES } from './frames.js';
import { FrameRow } from './frame-row.js';
import { WireIcon } from './icon.js';
import { ConnectionStatus } from './connection-status.js';
import styles from './wire.module.css';

export const WIRE: GraphiQLPlugin = { title: 'Wire', icon: WireIcon, content: Wire };

function Wire(): ReactNode {
  const shown = useDeferredValue(useSyncExternalStore(frames.subscribe, frames.get));
  const [filter, setFilter] = useState('');
  const [withPings, setWithPings] = useState(false);
  const [isCopied, setCopied] = useState(false);
  const visible = useMemo(
    () => shown.frames.filter((frame) => matches(frame, filter, withPings)),
    [shown.frames, filter, withPings],
  );
  const [isRefused, setRefused] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(asText(visible));
    } catch {
      setRefused(true);
      return;
    }
    setRefused(false);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <section className={styles.wire} aria-label="Wire">
      <h2 className={styles.title}>Wire</h2>
      <ConnectionStatus />
      <div className={styles.tools} role="toolbar" aria-label="Frames">
        <input
          className={styles.filter}
          type="search"
          placeholder="Filter"
          aria-label="Filter"
          value={filter}
          onChange={({ target }) => setFilter(target.value)}
        />
        <label className={styles.check}>
          <input type="checkbox" checked={withPings} onChange={({ target }) => setWithPings(target.checked)} />
          Pings
        </label>
        <button type="button" className={styles.tool} onClick={() => frames.pause(!shown.paused)}>
          {shown.paused ? 'Resume' : 'Pause'}
        </button>
        <button type="button" className={styles.tool} onClick={() => frames.clear()}>
          Clear
        </button>
        <button
          type="button"
          className={styles.tool}
          onClick={() => void copy()}
          disabled={!globalThis.isSecureContext || visible.length === 0}
        >
          {isCopied ? 'Copied' : 'Copy'}
        </button>
      </div>
      {!globalThis.isSecureContext && (
        <p className={styles.count}>Copying needs HTTPS, or http://localhost on the machine Tidings runs on.</p>
      )}
      {isRefused && (
        <p className={styles.count} role="alert">
          The browser did not allow this page to copy.
        </p>
      )}
      <p className={styles.count} role="status">
        {visible.length === shown.frames.length
          ? `${visible.length} frames`
          : `${visible.length} of ${shown.frames.length} frames`}
        {shown.dropped > 0 && ` (the newest ${MAX_FRAMES}; ${shown.dropped} older ones dropped)`}
        {shown.paused && `. Paused since ${shown.missed} frames`}
      </p>
      {visible.length === 0 ? (
        <p className={styles.empty}>
          {shown.frames.length === 0
            ? 'Nothing yet. Run something: its frames appear here. Tokens and passwords never do.'
            : 'No frame matches.'}
        </p>
      ) : (
        <ol className={styles.frames} aria-label="Frames, the newest first" reversed>
          {visible.toReversed().map((frame) => (
            <FrameRow key={frame.key} frame={frame} time={clockTime(frame.at)} />
          ))}
        </ol>
      )}
    </section>
  );
}
