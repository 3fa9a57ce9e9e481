// Test control over the fan-out hub of the service under test: blocked executions, clients with limited write capacity,
// and an empty cache of recent events.
import { GraphQLSchemaHost } from '@nestjs/graphql';
import type { GraphQLObjectType } from 'graphql';
import type { OperationContext } from '../../src/engine/access/operation-context.js';
import type { LogEvent } from '../../src/engine/events/log-event.js';
import { LogFollower } from '../../src/engine/events/log-follower.js';
import { EventExecutions } from '../../src/engine/realtime/fan-out/event-executions.js';
import type { Group } from '../../src/engine/realtime/fan-out/group.js';
import { Hub } from '../../src/engine/realtime/fan-out/hub.js';
import type { Socket } from '../../src/engine/realtime/sockets/socket.js';
import type { TestTidings } from './tidings.js';
import { until } from './wait.js';

export class HubControl {
  /** Functions that undo the changes of a test to the service. */
  readonly undo: (() => void)[] = [];

  constructor(private readonly tidings: { readonly current: TestTidings }) {}

  get stats() {
    return this.tidings.current.app.get(Hub).stats;
  }

  get groups(): readonly Group[] {
    return [...this.tidings.current.app.get(Hub)['groups'].values()];
  }

  /** Each execution of an event awaits the result of `gate`. `count`: executions of the event so far, with this one. */
  holdExecutions(gate: (event: LogEvent, count: number) => Promise<unknown> | undefined): {
    begun(seq: number): number;
  } {
    const over = Promise.withResolvers<void>();
    const executions = this.tidings.current.app.get(EventExecutions);
    const begun = new Map<number, number>();
    executions.payloadFor = async function (plan, batch, view) {
      const { event } = batch;
      const count = (begun.get(event.seq) ?? 0) + 1;
      begun.set(event.seq, count);
      await Promise.race([gate(event, count), over.promise]);
      return EventExecutions.prototype.payloadFor.call(this, plan, batch, view);
    };
    this.undo.push(() => {
      Reflect.deleteProperty(executions, 'payloadFor');
      over.resolve();
    });
    return { begun: (seq) => begun.get(seq) ?? 0 };
  }

  /**
   * Makes the title resolver depend on the viewer, without declaring so: it prefixes titles for which `secret` holds
   * with the viewer's account id.
   */
  showViewerInTitle(secret: (title: string) => boolean = () => true): void {
    const { schema } = this.tidings.current.app.get(GraphQLSchemaHost);
    const title = (schema.getType('ProjectUpdate') as GraphQLObjectType).getFields()['title']!;
    const { resolve } = title;
    this.undo.push(() => {
      if (resolve) title.resolve = resolve;
      else delete title.resolve;
    });
    title.resolve = (parent, args, context: OperationContext, info) => {
      const own = (resolve?.(parent, args, context, info) as string) ?? parent.title;
      return secret(own) ? `${context.viewer.accountId} ${own}` : own;
    };
  }

  /** Resolves when these groups have no delivery pending or in progress. */
  idle(places: readonly Group[]): Promise<void> {
    return until(() => places.every((group) => !group.due && !group['busy']), 'nothing waited');
  }

  /** Simulates an instance that has applied more events than it keeps in memory. */
  clearRecent(): void {
    this.tidings.current.app.get(LogFollower)['recent'] = [];
  }
}

/** Undoes all changes after each test. Call it before registering hooks that need the unmodified service. */
export function useHubControl(tidings: { readonly current: TestTidings }): HubControl {
  const hand = new HubControl(tidings);
  afterEach(() => hand.undo.splice(0).forEach((work) => work()));
  return hand;
}

/** Waits for `count` iterations of the event loop, so that all runnable work has progressed. */
export async function loopIterations(count = 20): Promise<void> {
  for (let n = 0; n < count; n += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Simulates a slow client: `socket` accepts only as many writes as `allow` permits, none at first. */
export function limitWrites(socket: Socket): { allow(writes: number): void } {
  let left = 0;
  const write = socket.write.bind(socket);
  socket.write = (frames) => {
    left -= 1;
    return write(frames);
  };
  Object.defineProperty(socket, 'lagging', { configurable: true, get: () => left <= 0 });
  Object.defineProperty(socket, 'drained', { configurable: true, get: () => left > 0 });
  return {
    allow: (writes) => {
      left = writes;
      socket['onStreamDrained']();
    },
  };
}
