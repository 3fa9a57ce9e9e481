// The numbers of this node that an operator looks at, for the schema and for Prometheus. They are counted as plain numbers
// where things happen, and collected here when somebody asks.
import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { LogFollower } from '../events/log-follower.js';
import { LogReader } from '../events/log-reader.js';
import { SharedExecutions } from '../graphql/shared-executions.js';
import { Metrics } from '../operations/metrics.js';
import { Hub } from './hub.js';
import { OpenSockets } from './open-sockets.js';

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

  /** All but what must be asked of PostgreSQL. */
  get now() {
    return {
      ...this.hub.stats,
      sockets: this.sockets.size,
      bufferedBytes: this.bufferedBytes,
      closes: this.sockets.closes,
      position: this.follower.applied,
      ringsLost: this.follower.ringsLost,
      demotedDocuments: this.shared.demotedDocuments,
    };
  }

  /** Events that are committed and that this node has not applied yet, in one statement. Rejects when PostgreSQL is away. */
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
    this.gauge('tidings_sockets', 'Open sockets.', () => this.sockets.size);
    this.gauge('tidings_subscriptions', 'Running subscriptions to projects.', () => this.hub.size);
    this.gauge('tidings_groups', 'Groups of subscriptions that share executions.', () => this.hub.stats.groups);
    this.gauge(
      'tidings_subscriptions_behind',
      'Subscriptions that are given events from the log, not at its head yet.',
      () => this.hub.stats.behind,
    );
    this.gauge(
      'tidings_socket_buffered_bytes',
      'Bytes written to sockets and not taken by the operating system yet.',
      () => this.bufferedBytes,
    );
    const { scheduler } = this.hub;
    const waiting = 'Executions of subscriptions that wait for others, at the head of the log and behind it.';
    this.gauge('tidings_executions_waiting', waiting, () => scheduler.live.queued + scheduler.replay.queued);
    const replays = 'Groups that wait for their next page of the log.';
    this.gauge('tidings_replays_waiting', replays, () => scheduler.waitingReplays);
    const turns = 'Upgrades, sign-ins and subscriptions of sockets that wait for their turn.';
    this.gauge('tidings_connection_turns_waiting', turns, () => this.sockets.turns.waiting);
    this.gauge('tidings_log_position', 'Position of the newest event applied.', () => this.follower.applied);
    this.gauge(
      'tidings_log_distance',
      'Events committed and not applied here yet; NaN while PostgreSQL does not answer.',
      () => this.distanceInTime(),
    );
  }

  private registerCounters(): void {
    this.counter('tidings_event_executions_total', 'Executions of events.', () => this.hub.stats.executions);
    this.counter('tidings_event_deliveries_total', 'Events written to subscribers.', () => this.hub.stats.deliveries);
    this.counter('tidings_event_bytes_total', 'Bytes of events written to subscribers.', () => this.hub.stats.bytes);
    this.counter(
      'tidings_catch_ups_total',
      'Times that a subscription was given events from the log: it came back, lagged, or its group had too many waiting.',
      () => this.hub.stats.catchUps,
    );
    this.counter(
      'tidings_rings_lost_total',
      'Events that were found without any ring of the doorbell, which only delays them.',
      () => this.follower.ringsLost,
    );
    this.counter(
      'tidings_execution_budget_exceeded_total',
      'Times that a group was given events at the pace of replay, because its accounts had spent their budget of executions.',
      () => this.hub.scheduler.live.refused,
    );
    this.counter(
      'tidings_connection_turns_refused_total',
      'Upgrades, sign-ins and subscriptions of sockets refused because too many waited.',
      () => this.sockets.turns.refused,
    );
    this.counter(
      'tidings_silent_sockets_closed_total',
      'Sockets that did not answer a ping, closed because their account needed their place.',
      () => this.sockets.silentClosed,
    );
    this.closes();
    this.refusals();
  }

  private refusals(): Counter {
    const { refusals } = this.sockets;
    return new Counter({
      name: 'tidings_socket_refusals_total',
      help: 'Refusals because an account had too many sockets, all of them too many operations, or a single socket.',
      labelNames: ['bound'],
      registers: [this.metrics.registry],
      collect() {
        this.reset();
        for (const [bound, count] of Object.entries(refusals)) this.inc({ bound }, count);
      },
    });
  }

  private closes(): Counter {
    const { closes } = this.sockets;
    return new Counter({
      name: 'tidings_socket_closes_total',
      help: 'Sockets closed, by the code that was sent first; `other`: a code of the client’s own.',
      labelNames: ['code'],
      registers: [this.metrics.registry],
      collect() {
        this.reset();
        for (const [code, count] of closes) this.inc({ code: code ?? 'other' }, count);
      },
    });
  }

  private gauge(name: string, help: string, read: () => number | Promise<number>): Gauge {
    const registers = [this.metrics.registry];
    return new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
  }

  private counter(name: string, help: string, read: () => number): Counter {
    const registers = [this.metrics.registry];
    return new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  }

  private async distanceInTime(): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    const timer = setTimeout(() => resolve(Number.NaN), HEAD_TIMEOUT_MS);
    const distance = this.distance().catch(() => Number.NaN);
    return Promise.race([distance, promise]).finally(() => clearTimeout(timer));
  }
}
