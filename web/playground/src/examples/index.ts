// Worked examples, one tab per capability. Tests run every operation of them.
import errors from './errors.graphql?raw';
import errorsVariables from './errors.json?raw';
import guardedFields from './guarded-fields.graphql?raw';
import guardedFieldsVariables from './guarded-fields.json?raw';
import liveUpdates from './live-updates.graphql?raw';
import liveUpdatesVariables from './live-updates.json?raw';
import notifications from './notifications.graphql?raw';
import notificationsVariables from './notifications.json?raw';
import presence from './presence.graphql?raw';
import presenceVariables from './presence.json?raw';
import projects from './projects.graphql?raw';
import projectsVariables from './projects.json?raw';
import sessions from './sessions.graphql?raw';
import sessionsVariables from './sessions.json?raw';

export interface Example {
  /** The document, including its comments. */
  readonly query: string;
  /** JSON. */
  readonly variables: string;
}

/** Placeholder in variables for a project id, which is unknown before sign-in. */
export const PROJECT = '"PROJECT"';

export const EXAMPLES: readonly Example[] = [
  { query: projects, variables: projectsVariables },
  { query: liveUpdates, variables: liveUpdatesVariables },
  { query: guardedFields, variables: guardedFieldsVariables },
  { query: presence, variables: presenceVariables },
  { query: notifications, variables: notificationsVariables },
  { query: errors, variables: errorsVariables },
  { query: sessions, variables: sessionsVariables },
].map(({ query, variables }) => ({ query: query.trimEnd(), variables: variables.trimEnd() }));
