// The shape of log events. Serializable as JSON, for wake-ups.

/** An object with its own events, counted by `seq`: an account, or a resource of the domain. */
export interface ResourceRef {
  readonly kind: string;
  readonly id: string;
}

/** Id of the resource that stands for all of its kind: its events are events of each of them. */
export const ALL_OF_KIND = '00000000-0000-0000-0000-000000000000';

/** An event to append. `facts` hold names and ids of what changed, never contents. */
export interface EventDraft {
  readonly resource: ResourceRef;
  readonly kind: string;
  readonly actorId: string;
  readonly sessionId?: string | undefined;
  readonly facts?: Readonly<Record<string, unknown>>;
  /** For the function that appends it, see `EventConsequences`; no part of the event. */
  readonly stored?: Readonly<Record<string, unknown>>;
}

/** An event at its position in the log. */
export interface LogEvent {
  /** Position in the whole log: gapless, in commit order. */
  readonly pos: number;
  /** Count within the resource: gapless, from 1. */
  readonly seq: number;
  readonly resource: ResourceRef;
  readonly kind: string;
  readonly actorId: string;
  readonly sessionId: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
  /** Time of the commit's last statement on the database's clock, in ms since 1970. */
  readonly at: number;
  /** Six random bytes, hex: bind a cursor to this history. */
  readonly nonce: string;
}

/** Which events a reader wants: those of one resource, or of all of its kind. */
export interface EventSelection {
  readonly kind: string;
  readonly id?: string;
  /** Whether this version can read the event: a newer one may have added its kind. Absent: all of them. */
  readonly knows?: (event: LogEvent) => boolean;
}

/** `event` as an event of the selected resource; `undefined` if it is none. */
export function eventOf({ kind, id, knows }: EventSelection, event: LogEvent): LogEvent | undefined {
  const { resource } = event;
  if (resource.kind !== kind || knows?.(event) === false) return undefined;
  if (id === undefined || resource.id === id) return event;
  return resource.id === ALL_OF_KIND ? { ...event, resource: { kind, id } } : undefined;
}

/** Whether the content of a wake-up is a valid event. */
export function isLogEvent(value: unknown): value is LogEvent {
  if (!isRecord(value) || !isRecord(value['resource'])) return false;
  const texts = [value['kind'], value['actorId'], value['nonce'], value['resource']['kind'], value['resource']['id']];
  return (
    Number.isSafeInteger(value['pos']) &&
    Number.isSafeInteger(value['seq']) &&
    typeof value['at'] === 'number' &&
    texts.every((text) => typeof text === 'string') &&
    (value['sessionId'] === null || typeof value['sessionId'] === 'string') &&
    isRecord(value['facts'])
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
