// Names of databases in the cluster of the test run.

/** The migrated database that every test's own is cloned from. */
export const TEMPLATE = 'tidings_template';

/** `url` with another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}
