import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useRef } from 'react';
import { Badge } from '../../../shared/badge.js';
import type { Freshness } from '../../../shared/freshness.js';
import { controls } from '../../../shared/controls.js';
import { AccountMenu } from './account-menu.js';
import styles from './top-bar.module.css';

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** `/` focuses the search field, unless another field has the focus or a dialog is open. */
function useSearchKey(field: React.RefObject<HTMLInputElement | null>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (document.querySelector('dialog[open]')) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [field]);
}

export function TopBar({
  freshness,
  query,
  onQuery,
}: {
  readonly freshness: Freshness;
  readonly query: string;
  readonly onQuery: (query: string) => void;
}): ReactNode {
  const search = useRef<HTMLInputElement>(null);
  useSearchKey(search);
  return (
    <header className={styles.bar}>
      <div className={styles.content}>
        <Link className={styles.name} to="/">
          Tidings
        </Link>
        <search className={styles.search}>
          <label className={controls.hidden} htmlFor="search">
            Find a project
          </label>
          <input
            ref={search}
            id="search"
            className={controls.input}
            type="search"
            placeholder="Find a project  /"
            aria-keyshortcuts="/"
            autoComplete="off"
            value={query}
            onChange={(event) => onQuery(event.target.value)}
            onKeyDown={(event) => event.key === 'Escape' && onQuery('')}
          />
        </search>
        <div className={styles.end}>
          <Badge freshness={freshness} />
          <AccountMenu />
        </div>
      </div>
    </header>
  );
}
