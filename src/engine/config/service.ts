// The names by which clients and operators know the service, and its own settings: the application chooses them, the engine uses them.
import type { ApplicationSettings, ApplicationValues } from './application-settings.js';

export interface Service<Values extends ApplicationValues = ApplicationValues> {
  /** In words, as mails are signed with it. */
  readonly name: string;
  /**
   * Lowercase letters. Begins the names of metrics (`<prefix>_sockets`) and cookies (`<prefix>-access`), is part of headers
   * (`x-<prefix>-csrf`), labels of derived keys and names in Redis, and is the audience of access tokens.
   */
  readonly prefix: string;
  /** Path of GraphQL over HTTP and WebSocket: lowercase, with a slash at the start and none at the end. */
  readonly endpoint: string;
  /** Paths of the application's controllers that serve data instead of pages. */
  readonly dataPaths: readonly string[];
  /** HTML documents of the application, as paths in its package: they are part of what identifies a build. */
  readonly documents: readonly string[];
  /** Ends the error for introspection where it is off: what clients and operators can do instead. */
  readonly introspectionHint: string;
  readonly settings: ApplicationSettings<Values>;
}

/** The header by which pages show that their origin is an allowed one. */
export const csrfHeaderOf = ({ prefix }: Service): string => `x-${prefix}-csrf`;
