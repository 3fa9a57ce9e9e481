import type { ReactNode } from 'react';
import styles from './notice.module.css';

/** A single notice in the middle of the page. */
export function Notice({
  title,
  text,
  children,
}: {
  readonly title: string;
  readonly text?: ReactNode;
  readonly children?: ReactNode;
}): ReactNode {
  return (
    <main className={styles.notice}>
      <h1 className={styles.title}>{title}</h1>
      {text && <p>{text}</p>}
      {children}
    </main>
  );
}
