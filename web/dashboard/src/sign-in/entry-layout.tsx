import type { ReactNode } from 'react';
import { useTitle } from '../title.js';
import styles from './entry-layout.module.css';

/** Layout of pages for users who are not signed in. */
export function EntryLayout({
  title,
  notice,
  children,
}: {
  readonly title: string;
  /** Why the page is shown, such as the end of a session. */
  readonly notice?: string | undefined;
  readonly children: ReactNode;
}): ReactNode {
  useTitle(title);
  return (
    <main className={styles.page}>
      <p className={styles.name}>Tidings</p>
      <div className={styles.column}>
        {notice && (
          <p className={styles.notice} role="alert">
            {notice}
          </p>
        )}
        <h1 className={styles.title}>{title}</h1>
        {children}
      </div>
    </main>
  );
}

export function EntryLinks({ children }: { readonly children: ReactNode }): ReactNode {
  return <p className={styles.links}>{children}</p>;
}
