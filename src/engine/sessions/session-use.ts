// Tracks the last use of sessions and their open sockets. Requests only take a note in memory; once a minute all notes are written
// in one statement.
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { Loader } from '../database/loaders.js';
import { InstanceRegistry } from '../instances/instance-registry.js';

/** A socket as listed in its session. */
export interface OpenSocket {
  readonly address: string;
  readonly since: Date;
}

/** Topic of the registry for sockets of sessions. */
const SOCKETS = 'session sockets';

const WRITE_EVERY_MS = 60_000;

/** Skips rows locked by a refresh or a sign-out. Sends ages, since clocks of instances may differ. */
const WRITE = `
with used as (select id, clock_timestamp() - ago * interval '1 ms' as at from unnest(?::uuid[], ?::float8[]) as note(id, ago)),
     free as (select free.id, used.at from used cross join lateral (
                select session.id from session where session.id = used.id and ended_at is null for no key update skip locked) as free)
update session set last_used_at = greatest(last_used_at, free.at) from free where session.id = free.id`;

@Injectable()
export class SessionUse implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(SessionUse.name);
  /** By session, the latest unwritten use in ms since 1970. */
  private used = new Map<string, number>();
  /** Open sockets of a session at all instances, the oldest first. */
  readonly socketsOf = new Loader<string, OpenSocket[]>(async (reader, sessionIds) => {
    const found = await this.registry.entriesOf(reader, SOCKETS, sessionIds);
    return found.map((entries) => entries.map(({ since, facts }) => ({ since, address: String(facts['address']) })));
  });
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly orm: MikroORM,
    private readonly registry: InstanceRegistry,
  ) {}

  onModuleInit(): void {
    this.timer = setInterval(() => void this.write(), WRITE_EVERY_MS);
  }

  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    await this.write();
  }

  /** Notes that the session was used now. */
  touch(sessionId: string): void {
    this.used.set(sessionId, Date.now());
  }

  /** Registers an open socket until the returned function is called; an open socket counts as use. */
  opened(sessionId: string, address: string): () => void {
    const close = this.registry.open(SOCKETS, sessionId, { address });
    return () => {
      this.touch(sessionId);
      close();
    };
  }

  /** Writes all notes in one statement. Never rejects: failed notes are written the next time. */
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
