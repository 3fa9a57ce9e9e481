// The report of a fault test: waits until the subscribers have caught up, compares the deliveries with the event log,
// and computes statistics.
import { decodeCursor } from '../../src/engine/events/cursor.js';
import type { Audience } from './fault-audience.js';
import type { FaultCluster } from './fault-cluster.js';
import type { FaultSubscriber } from './fault-subscriber.js';
import type { Traffic } from './fault-traffic.js';
import { expectedEvents, type Logged, verdict } from './fault-verdict.js';
import { until } from './wait.js';

/** ms for the subscribers to catch up after all faults have ended. */
const CATCH_UP_MS = 30_000;
/** Maximum number of findings per subscriber: the first are the most informative. */
const MAX_FINDINGS = 5;

const LOG = `
select event.pos::float8 as pos, event.seq::float8 as seq, event.kind, event.resource_id as "projectId",
       event.facts ->> 'subjectId' as "subjectId", event.session_id as "sessionId", project_update.title,
       (extract(epoch from event.at) * 1000)::float8 as at
  from event left join project_update
    on event.kind = 'UPDATE_POSTED' and project_update.id = (event.facts ->> 'subjectId')::uuid
 where event.resource_kind = 'project' and event.pos > $1 order by event.pos`;

export interface Report {
  /** All violations; empty if the test passed. */
  readonly wrong: readonly string[];
  /** Human-readable statistics. */
  readonly figures: string;
}

/**
 * Waits until every subscriber has received the events after cursor `from`, which was read at `began` (ms since 1970),
 * and compares them with the log. Call it after all faults and the traffic have ended.
 */
export async function report(
  cluster: FaultCluster,
  audience: Audience,
  traffic: Traffic,
  { from, began }: { readonly from: string; readonly began: number },
): Promise<Report> {
  const after = decodeCursor(from).pos;
  let log: Logged[] = [];
  const mayOf = (subscriber: FaultSubscriber) => audience.entitlement(subscriber, after, traffic);
  // Two rounds, so that a duplicate delivery at the end of the first round arrives before the end of the second.
  for (const word of ['last', 'very last']) {
    await traffic.mark(word);
    log = (await cluster.query<Logged>(LOG, [after])).map((event) => ({ ...event, title: event.title ?? undefined }));
    const ends = audience.all.map(
      (subscriber) => [subscriber, expectedEvents(log, mayOf(subscriber)).at(-1)?.pos ?? 0] as const,
    );
    // On timeout, the comparison below reports the missing events one by one.
    await until(() => ends.every(([{ last }, end]) => last >= end), 'everyone has caught up', CATCH_UP_MS).catch(
      () => {},
    );
  }
  const wrong = audience.all.flatMap((subscriber) => {
    const words = [...subscriber.violations, ...verdict(log, subscriber.arrivals, mayOf(subscriber))];
    const more = words.length > MAX_FINDINGS ? [`and ${words.length - MAX_FINDINGS} more`] : [];
    return [...words.slice(0, MAX_FINDINGS), ...more].map((word) => `${subscriber.name}: ${word}`);
  });
  return {
    wrong: [...unposted(log, traffic), ...unremoved(audience.all, traffic), ...wrong],
    figures: figures(audience.all, log, traffic, began),
  };
}

/** Checks that the log holds every acknowledged update exactly once and no other update. */
function unposted(log: readonly Logged[], { posted }: Traffic): string[] {
  const events = new Map<string, Logged[]>();
  for (const event of log.filter(({ kind }) => kind === 'UPDATE_POSTED'))
    events.set(event.subjectId, [...(events.get(event.subjectId) ?? []), event]);
  const wrong = [...posted].filter(([title, id]) => {
    const found = events.get(id) ?? [];
    events.delete(id);
    return found.length !== 1 || found[0]!.title !== title;
  });
  return [
    ...wrong.map(([title]) => `acknowledged, and not once in the log: ${title}`),
    ...[...events.keys()].map((id) => `posted by nobody, or twice: ${id}`),
  ];
}

/**
 * Checks that at least one removed subscriber received FORBIDDEN, and at least one kept its socket. Faults may prevent
 * either for some subscribers, but not for all.
 */
function unremoved(all: readonly FaultSubscriber[], { guestAway }: Traffic): string[] {
  if (guestAway.length === 0) return ['nobody was removed'];
  if (all.every(({ removals }) => removals === 0)) return ['nobody who was removed was told FORBIDDEN'];
  return all.every(({ kept }) => kept === 0) ? ['FORBIDDEN closed every socket'] : [];
}

function figures(all: readonly FaultSubscriber[], log: readonly Logged[], traffic: Traffic, began: number): string {
  const sum = (of: (subscriber: FaultSubscriber) => number) => all.reduce((total, each) => total + of(each), 0);
  const closes = new Map<number, number>();
  for (const subscriber of all)
    for (const [code, count] of subscriber.closes) closes.set(code, (closes.get(code) ?? 0) + count);
  // Only subscribers that read without interruption and kept their rights.
  const steady = all.filter(({ watching, stalls }) => watching.who.name !== 'guest' && stalls === 0);
  const [silence, since] = longest(steady.map(({ arrivals }) => arrivals.map(({ at }) => at)));
  const committed = new Map(log.map(({ pos, at }) => [pos, at]));
  const lags = steady
    .flatMap(({ arrivals, startedAt }) => arrivals.map(({ pos, at }) => at - Math.max(committed.get(pos)!, startedAt)))
    .toSorted((a, b) => a - b);
  const lag = (share: number) => Math.round(lags[Math.floor((lags.length - 1) * share)] ?? 0);
  return [
    `figure: faults: ${sum(({ arrivals }) => arrivals.length)} deliveries of ${log.length} events to ${all.length} subscribers, ${traffic.posted.size} posts`,
    `${sum(({ connects }) => connects) - all.length} reconnects (closes by code: ${[...closes].map(([code, n]) => `${code}: ${n}`).join(', ')})`,
    `${traffic.retried} posts and changes tried again, ${sum(({ refusals }) => refusals)} subscriptions refused (${sum(({ removals }) => removals)} ended by a removal, ${sum(({ kept }) => kept)} of them with the socket left open), ${sum(({ passing }) => passing)} put off`,
    `worst gap in delivery ${silence} ms, from ${since - began} ms on; commit to delivery median ${lag(0.5)}, p99 ${lag(0.99)}, worst ${lag(1)} ms`,
  ].join('; ');
}

/** The longest gap in ms between consecutive times of one of `lists`, and the time at which it began. */
function longest(lists: readonly (readonly number[])[]): readonly [number, number] {
  const gaps = lists.flatMap((times) =>
    times.slice(1).map((time, index) => [time - times[index]!, times[index]!] as const),
  );
  return gaps.reduce((most, gap) => (gap[0] > most[0] ? gap : most), [0, 0] as const);
}
