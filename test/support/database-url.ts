// Database names in the PostgreSQL cluster of the test run.

/** The migrated template database that each test database is cloned from. */
export const TEMPLATE = 'tidings_template';

/** `url` with the database name replaced. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.toString();
}
