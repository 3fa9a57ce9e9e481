// Posts by one call of a database function (see the migration), at most once for each idempotency key.
import type { EventLog } from '../../engine/events/event-log.js';
import { timeOf } from '../../engine/database/time-ordered-id.js';
import { refusing, sufficient } from '../projects/project-lock.js';
import { type Actor, mentioning, projectEvent, type ProjectEventKind, subjectOf } from '../projects/project-events.js';
import type { ProjectRole } from '../projects/project-role.js';
import { type Keyed, sameInput } from './idempotency.js';
import { mentionsIn } from './mentions.js';

/** In drafts: the object has no id before the function gives it one. */
const NEW = '00000000-0000-0000-0000-000000000000';

export interface Posting<T> {
  /** The database function. */
  readonly name: string;
  /** Its parameters between `in_roles` and `in_mentioned`. */
  readonly parameters: readonly (string | null)[];
  readonly projectId: string;
  /** The role that the author needs. */
  readonly role: ProjectRole;
  readonly kind: ProjectEventKind.UPDATE_POSTED | ProjectEventKind.COMMENT_POSTED;
  /** Text that can mention members. */
  readonly text: string;
  readonly key: string | null;
  readonly inputHash: Buffer | null;
  readonly create: (made: New) => T;
  /** Finds the object that an earlier call with this key created. */
  readonly find: () => Promise<T | null>;
}

/** What is known of the new object beside its input. */
interface New {
  readonly id: string;
  readonly authorId: string;
  readonly inputHash: Buffer | null;
  readonly mentioned: string[];
  readonly version: 1;
  readonly createdAt: Date;
  readonly editedAt: null;
}

/** The new object, or that of the earlier call with the same key. Throws NOT_FOUND, FORBIDDEN, CONFLICT (IDEMPOTENCY_KEY). */
export async function post<T extends Keyed>(log: EventLog, author: Actor, posting: Posting<T>): Promise<T> {
  const { name, projectId, role, kind, inputHash } = posting;
  let mentioned: string[] = [];
  const call = log.call(async (em) => {
    const mentions = await mentionsIn(em, projectId, posting.text);
    ({ mentioned } = mentions);
    const facts = { subjectId: NEW, ...mentioning(mentions.fresh) };
    const parameters = [sufficient(role), ...posting.parameters, mentioned, posting.key, inputHash];
    return { name, drafts: [projectEvent(author, projectId, kind, facts)], parameters };
  });
  const [event] = await refusing(role, call);
  if (!event) return sameInput(await posting.find(), inputHash);
  const id = subjectOf(event);
  return posting.create({
    id,
    authorId: author.accountId,
    inputHash,
    mentioned,
    version: 1,
    createdAt: timeOf(id),
    editedAt: null,
  });
}
