// Announcements to all connected accounts: stored, audited, and distributed by the log.
import { Injectable, Logger, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { assertCurrentAccountRole } from '../../engine/access/current-account-role.js';
import { Role } from '../../engine/access/role.js';
import { type Account, AccountEntity } from '../../engine/accounts/account.entity.js';
import { idAt } from '../../engine/database/time-ordered-id.js';
import { EventLog } from '../../engine/events/event-log.js';
import type { LogEvent } from '../../engine/events/log-event.js';
import { LogFollower } from '../../engine/events/log-follower.js';
import { AuditTrail } from '../../engine/audit/audit-trail.js';
import { GrowingTimeout, retryWhileUnavailable } from '../../engine/realtime/flow-control/retries.js';
import { LiveQueue } from '../../engine/realtime/fan-out/live-queue.js';
import { type Announcement, AnnouncementEntity } from './notification.entity.js';
import { queueOverflows } from './queue-overflows.js';

/** Resource kind of announcements in the log, and their only event kind. */
const ANNOUNCEMENT_RESOURCE = 'announcement';
const ANNOUNCEMENT_POSTED = 'ANNOUNCED';

/** Announcements waiting for one subscriber; beyond that the oldest are dropped. */
const MAX_WAITING = 16;

/** An announcement, read once for all subscribers of this instance. */
export type PostedAnnouncement = Announcement & { readonly author?: Account | undefined };

@Injectable()
export class AnnouncementService implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger(AnnouncementService.name);
  private readonly subscribers = new Set<LiveQueue<PostedAnnouncement>>();
  /** Resolves when all announcements so far have been delivered, which keeps them in order. */
  private deliveries: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly orm: MikroORM,
    private readonly log: EventLog,
    private readonly follower: LogFollower,
    private readonly audit: AuditTrail,
  ) {}

  onModuleInit(): void {
    this.follower.on('delivery', (event) => {
      if (isAnnounced(event) && this.subscribers.size > 0)
        this.deliveries = this.deliveries.then(() => this.notify(event));
    });
  }

  onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    return this.deliveries;
  }

  /** Throws FORBIDDEN. */
  announce({ viewer, client }: OperationContext, message: string): Promise<Announcement> {
    const { accountId: authorId, sessionId } = viewer;
    return this.log.transaction(async ({ em, record }) => {
      const at = await assertCurrentAccountRole(em, authorId, Role.ADMIN);
      const createdAt = new Date(at);
      const announcement = em.create(AnnouncementEntity, { id: idAt(at), message, authorId, createdAt });
      const resource = { kind: ANNOUNCEMENT_RESOURCE, id: announcement.id };
      const { address } = client;
      await this.audit.record(em, {
        action: 'ANNOUNCED',
        outcome: 'SUCCESS',
        actorId: authorId,
        subject: resource,
        address,
      });
      record({ resource, kind: ANNOUNCEMENT_POSTED, actorId: authorId, sessionId });
      return announcement;
    });
  }

  /** Announcements from now on. Unsubscribes when the iterator ends. */
  subscribe(): LiveQueue<PostedAnnouncement> {
    const queue = new LiveQueue<PostedAnnouncement>({
      capacity: MAX_WAITING,
      overflow: 'drop-oldest',
      overflowed: () => queueOverflows.inc({ stream: 'announcements' }),
      ended: () => this.subscribers.delete(queue),
    });
    this.subscribers.add(queue);
    return queue;
  }

  private async notify({ resource, actorId }: LogEvent): Promise<void> {
    try {
      const em = this.orm.em.fork();
      const timeout = new GrowingTimeout();
      const read = () => Promise.all([em.findOne(AnnouncementEntity, resource.id), em.findOne(AccountEntity, actorId)]);
      const [announcement, author] = await retryWhileUnavailable(
        () => timeout.run(read),
        () => this.stopped,
      );
      if (!announcement || !author) return;
      const posted = { ...announcement, author };
      for (const queue of this.subscribers) queue.push(posted);
    } catch (error) {
      if (!this.stopped) this.logger.error(`Announcement ${resource.id} could not be delivered`, String(error));
    }
  }
}

function isAnnounced({ resource, kind }: LogEvent): boolean {
  return resource.kind === ANNOUNCEMENT_RESOURCE && kind === ANNOUNCEMENT_POSTED;
}
