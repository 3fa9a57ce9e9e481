// What the one log holds. JSON-safe as it stands, so that a ring can carry it.

/** A thing that has events of its own, counted by `seq`: an account, or whatever the domain declares. */
export interface ResourceRef {
  readonly kind: string;
  readonly id: string;
}

/** What a transaction wants to be known. `facts` hold names and ids of what changed, never contents. */
export interface EventDraft {
  readonly resource: ResourceRef;
  readonly kind: string;
  readonly actorId: string;
  readonly sessionId?: string | undefined;
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** An event at its place in the log. */
export interface LogEvent {
  /** Place in the whole log: gapless, in commit order. */
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
  /** Six random bytes, hex: what makes a cursor belong to this history. */
  readonly nonce: string;
}

/** Whether what came through the doorbell is an event. */
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
