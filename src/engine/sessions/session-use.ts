// When sessions are used, and from which sockets. Requests only leave a note here; once a minute all notes are written in one
// statement, so that no request waits for it and none has a statement of its own.
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { Loader } from '../database/loaders.js';
import { NodeRegistry } from '../operations/node-registry.js';

/** A socket as its session knows it. */
export interface OpenSocket {
  readonly address: string;
  readonly since: Date;
}

/** Topic of the registry under which an instance holds the sockets of a session. */
const SOCKETS = 'session sockets';

const WRITE_EVERY_MS = 60_000;

/** Rows that a refresh or a sign-out holds just now are left to it; clocks of nodes may differ, so ages are sent. */
const WRITE = `
with used as (select id, clock_timestamp() - ago * interval '1 ms' as at from unnest(?::uuid[], ?::float8[]) as note(id, ago)),
     free as (select free.id, used.at from used cross join lateral (
                select session.id from session where session.id = used.id and ended_at is null for no key update skip locked) as free)
update session set last_used_at = greatest(last_used_at, free.at) from free where session.id = free.id`;

@Injectable()
export class SessionUse implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(SessionUse.name);
  /** Session to the ms (since 1970) of its latest use that is not written yet. */
  private used = new Map<string, number>();
  /** Open sockets of a session on all instances, the first opened first. */
  readonly socketsOf = new Loader<string, OpenSocket[]>(async (em, sessionIds) => {
    const found = await this.registry.entriesOf(em, SOCKETS, sessionIds);
    return found.map((entries) => entries.map(({ since, facts }) => ({ since, address: String(facts['address']) })));
  });
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly orm: MikroORM,
    private readonly registry: NodeRegistry,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.write(), WRITE_EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.write();
  }

  /** The session was used now. */
  touch(sessionId: string): void {
    this.used.set(sessionId, Date.now());
  }

  /** A socket of the session is open until the returned function is called; while it is, the session is in use. */
  opened(sessionId: string, address: string): () => void {
    const close = this.registry.open(SOCKETS, sessionId, { address });
    return () => {
      this.touch(sessionId);
      close();
    };
  }

  /** Writes what was noted, in one statement. Never rejects: what cannot be written now is written the next time. */
  async write(): Promise<void> {
    const now = Date.now();
    for (const sessionId of this.registry.here(SOCKETS)) this.used.set(sessionId, now);
    const { used } = this;
    if (used.size === 0) return;
    this.used = new Map();
    const ages = Array.from(used.values(), (at) => now - at);
    try {
      await this.orm.em.fork().execute(WRITE, [`{${[...used.keys()].join(',')}}`, `{${ages.join(',')}}`]);
    } catch (error) {
      this.used = new Map([...used, ...this.used]);
      this.logger.debug(`Last use of sessions could not be written: ${String(error)}`);
    }
  }
}
