// Checks that a subscriber received the events of the log that it may see: all, exactly once, in order. No I/O.
import type { Arrival } from './fault-subscriber.js';
import type { Without } from './fault-traffic.js';

/** A project event as stored in the log. */
export interface Logged {
  readonly pos: number;
  readonly seq: number;
  readonly kind: string;
  readonly projectId: string;
  readonly subjectId: string;
  readonly sessionId: string | null;
  /** Title of the posted update, if the event is `UPDATE_POSTED`. */
  readonly title: string | undefined;
  /** ms since 1970. */
  readonly at: number;
}

/** The events and fields that a subscriber may see. */
export interface Entitlement {
  /** Log position after which the subscription started. */
  readonly after: number;
  readonly projectIds: readonly string[];
  /** Session whose events are excluded (`includeOwn: false`). */
  readonly withoutSession?: string;
  /** A membership revoked and restored. `resumed`: the subscriber resumes from its last cursor after a revocation. */
  readonly comesAndGoes?: {
    readonly projectId: string;
    readonly accountId: string;
    readonly away: readonly Without[];
    readonly resumed: boolean;
  };
  /** Periods in which internal notes were not visible; absent: they never are. */
  readonly notes?: { readonly away: readonly Without[] };
}

/** The events of `log` for a subscriber, regardless of interruptions of its membership. */
export function expectedEvents(log: readonly Logged[], { after, projectIds, withoutSession }: Entitlement): Logged[] {
  return log.filter(
    ({ pos, projectId, sessionId }) =>
      pos > after && projectIds.includes(projectId) && (!withoutSession || sessionId !== withoutSession),
  );
}

/** Descriptions of all violations; empty if there are none. */
export function verdict(log: readonly Logged[], arrivals: readonly Arrival[], entitlement: Entitlement): string[] {
  const may = asLogged(log, entitlement);
  const byPos = new Map(log.map((event) => [event.pos, event]));
  const wanted = expectedEvents(log, may);
  const wrong = [...inOrder(arrivals), ...missing(wanted, arrivals, may)];
  const mine = new Set(wanted.map(({ pos }) => pos));
  for (const arrival of arrivals) {
    const event = byPos.get(arrival.pos);
    if (!event || !mine.has(arrival.pos)) wrong.push(`not for it: ${arrival.pos} ${arrival.kind}`);
    else if (!isAlike(arrival, event)) wrong.push(`changed: ${JSON.stringify(arrival)} for ${JSON.stringify(event)}`);
    else if (isLeak(arrival, event, may)) wrong.push(`leaked: ${JSON.stringify(arrival)}, committed at ${event.at}`);
  }
  return wrong;
}

/**
 * Corrects the periods of absence with the log, which is authoritative on when a membership was restored: an attempt
 * that timed out at a suspended instance may execute after its retry, even after the membership was revoked again.
 */
function asLogged(log: readonly Logged[], may: Entitlement): Entitlement {
  const { comesAndGoes } = may;
  if (!comesAndGoes) return may;
  const { projectId, accountId } = comesAndGoes;
  const begun = log.filter(
    (event) => event.kind === 'MEMBER_ADDED' && event.projectId === projectId && event.subjectId === accountId,
  );
  const away = comesAndGoes.away.map(({ from, until }) => {
    const earlier = begun.find(({ at }) => at > from && at < until);
    return { from, until: earlier?.at ?? until };
  });
  return { ...may, comesAndGoes: { ...comesAndGoes, away } };
}

function inOrder(arrivals: readonly Arrival[]): string[] {
  const seen = new Set<number>();
  return arrivals.flatMap(({ pos }, index) => {
    const before = arrivals[index - 1]?.pos ?? 0;
    const doubled = seen.has(pos);
    seen.add(pos);
    if (doubled) return [`doubled: ${pos}, after ${before}`];
    return pos < before ? [`out of order: ${pos} after ${before}`] : [];
  });
}

function missing(wanted: readonly Logged[], arrivals: readonly Arrival[], { comesAndGoes }: Entitlement): string[] {
  const arrived = new Map(arrivals.map(({ pos, at }) => [pos, at]));
  const lost = ({ pos, kind, projectId }: Logged) => `lost: ${pos} ${kind} of ${projectId}`;
  if (!comesAndGoes || comesAndGoes.resumed) return wanted.filter(({ pos }) => !arrived.has(pos)).map(lost);
  const { projectId, accountId, away } = comesAndGoes;
  const steady = wanted.filter((event) => event.projectId !== projectId && !arrived.has(event.pos));
  const periods = periodsOf(
    wanted.filter((event) => event.projectId === projectId),
    accountId,
  );
  return [
    ...steady,
    ...periods.flatMap((period, index) => {
      // Events received before the membership was restored must have no gap since the start of the period. Events
      // pending at the revocation need not arrive, although a later replay with the current rights may deliver them.
      const end = away[index]?.until ?? Number.POSITIVE_INFINITY;
      const had = period.map(({ pos }) => (arrived.get(pos) ?? Number.POSITIVE_INFINITY) < end);
      const last = away[index] ? had.lastIndexOf(true) : period.length - 1;
      return period.filter((_event, at) => at <= last && !had[at]);
    }),
  ].map(lost);
}

/** The events of each period of uninterrupted membership. The subscriber is a member at the start. */
function periodsOf(events: readonly Logged[], accountId: string): Logged[][] {
  const periods: Logged[][] = [[]];
  let member = true;
  for (const event of events) {
    const about = event.subjectId === accountId;
    if (about && event.kind === 'MEMBER_REMOVED') member = false;
    if (about && event.kind === 'MEMBER_ADDED') {
      member = true;
      periods.push([]);
    }
    if (member) periods.at(-1)!.push(event);
  }
  return periods;
}

function isAlike(arrival: Arrival, { seq, kind, projectId, subjectId, title }: Logged): boolean {
  return (
    arrival.seq === seq &&
    arrival.kind === kind &&
    arrival.projectId === projectId &&
    arrival.subjectId === subjectId &&
    arrival.title === title
  );
}

/** Whether the event or note was committed after a right was revoked and arrived before the request to restore it. */
function isLeak(arrival: Arrival, event: Logged, { comesAndGoes, notes }: Entitlement): boolean {
  const within = (away: readonly Without[]) => away.some(({ from, until }) => event.at > from && arrival.at < until);
  if (comesAndGoes?.projectId === arrival.projectId && within(comesAndGoes.away)) return true;
  return arrival.note !== undefined && (!notes || within(notes.away));
}
