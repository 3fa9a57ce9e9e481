// An event and those who are given it with one and the same payload.
import type { PermissionClass } from '../access/permission-class.js';
import type { LogEvent } from '../events/log-event.js';
import type { Member } from './member.js';

/** An event for the members of one class. */
export interface Portion {
  readonly event: LogEvent;
  readonly permission: PermissionClass;
  readonly members: readonly Member[];
  /** Events left out before it; `undefined` when it was not asked to leave out any. */
  readonly skipped?: number;
  /** Of the rights under which the members were found. */
  readonly rightsVersion: number;
}
