// Statistics of this instance, for the schema and for Prometheus. Each is counted where it occurs, and collected here on request.
import { Injectable } from '@nestjs/common';
import { LogFollower } from '../events/log-follower.js';
import { LogReader } from '../events/log-reader.js';
import { SharedExecutions } from '../graphql/sharing/shared-executions.js';
import { Metrics } from '../monitoring/metrics.js';
import { Hub } from './fan-out/hub.js';
import { OpenSockets } from './sockets/open-sockets.js';

/** ms that a scrape waits for PostgreSQL. */
const HEAD_TIMEOUT_MS = 1_000;

@Injectable()
export class RealtimeStatistics {
  constructor(
    readonly hub: Hub,
    readonly sockets: OpenSockets,
    private readonly follower: LogFollower,
    private readonly reader: LogReader,
    private readonly shared: SharedExecutions,
    private readonly metrics: Metrics,
  ) {
    this.registerGauges();
    this.registerCounters();
  }

  /** All statistics except those that need a query. */
  get now() {
    return {
      ...this.hub.stats,
      sockets: this.sockets.size,
      bufferedBytes: this.bufferedBytes,
      closes: this.sockets.closes,
      position: this.follower.applied,
      demotedDocuments: this.shared.demotedDocuments,
    };
  }

  /** Events that are committed and that this instance has not applied yet, in one statement. Rejects while PostgreSQL is unavailable. */
  async distance(): Promise<number> {
    const { pos } = await this.reader.head();
    return Math.max(0, pos - this.follower.applied);
  }

  private get bufferedBytes(): number {
    let bytes = 0;
    for (const socket of this.sockets) bytes += socket.bufferedBytes;
    return bytes;
  }

  private registerGauges(): void {
    this.metrics.gauge('sockets', 'Open sockets.', () => this.sockets.size);
    this.metrics.gauge('subscriptions', 'Running subscriptions to events of resources.', () => this.hub.size);
    this.metrics.gauge('groups', 'Groups of subscriptions that share executions.', () => this.hub.stats.groups);
    this.metrics.gauge(
      'subscriptions_behind',
      'Subscriptions that catch up from the log.',
      () => this.hub.stats.behind,
    );
    this.metrics.gauge(
      'socket_buffered_bytes',
      'Bytes written to sockets that are not flushed to the operating system yet.',
      () => this.bufferedBytes,
    );
    const { flow } = this.hub;
    const waiting = 'Queued executions of subscriptions, live and replayed.';
    this.metrics.gauge('executions_waiting', waiting, () => flow.live.queued + flow.replay.queued);
    const replays = 'Groups whose next page of the log is queued.';
    this.metrics.gauge('replays_waiting', replays, () => flow.waitingReplays);
    const connections = 'Queued upgrades, sign-ins and subscriptions of sockets.';
    this.metrics.gauge('connection_turns_waiting', connections, () => this.sockets.queue.waiting);
    this.metrics.gauge('log_position', 'Position of the newest event applied.', () => this.follower.applied);
    this.metrics.gauge(
      'log_distance',
      'Committed events that this instance has not applied yet; NaN while PostgreSQL does not respond.',
      () => this.distanceInTime(),
    );
  }

  private registerCounters(): void {
    this.metrics.total('event_executions_total', 'Executions of events.', () => this.hub.stats.executions);
    this.metrics.total('event_deliveries_total', 'Events written to subscribers.', () => this.hub.stats.deliveries);
    this.metrics.total('event_bytes_total', 'Bytes of events written to subscribers.', () => this.hub.stats.bytes);
    this.metrics.total(
      'catch_ups_total',
      'Times that a subscription began to catch up from the log: it resumed, lagged, or the queue of its group was full.',
      () => this.hub.stats.catchUps,
    );
    this.metrics.total(
      'execution_budget_exceeded_total',
      'Times that a group was moved to the replay lane, because its accounts had exhausted their budget of executions.',
      () => this.hub.flow.live.refused,
    );
    this.metrics.total(
      'connection_turns_refused_total',
      'Upgrades, sign-ins and subscriptions of sockets refused because the queue was full.',
      () => this.sockets.queue.refused,
    );
    this.metrics.total(
      'silent_sockets_closed_total',
      'Sockets that did not answer a ping, closed because their account was at its limit.',
      () => this.sockets.silentClosed,
    );
    this.metrics.totals(
      'code',
      'socket_closes_total',
      'Closed sockets, by the close code that was sent first; `other`: a code chosen by the client.',
      () => [...this.sockets.closes].map(([code, count]) => [String(code ?? 'other'), count]),
    );
    this.metrics.totals(
      'bound',
      'socket_refusals_total',
      'Refusals by limit: sockets of an account, operations of all its sockets, operations of one socket.',
      () => Object.entries(this.sockets.refusals),
    );
  }

  private async distanceInTime(): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    const timer = setTimeout(() => resolve(Number.NaN), HEAD_TIMEOUT_MS);
    const distance = this.distance().catch(() => Number.NaN);
    return Promise.race([distance, promise]).finally(() => clearTimeout(timer));
  }
}
