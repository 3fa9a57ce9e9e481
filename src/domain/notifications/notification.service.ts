// The notifications of an account: lists, counts, marks as read, and delivers new ones.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { CursorExpiredError, NotFoundError } from '../../engine/errors/service-error.js';
import type { LogEvent } from '../../engine/events/log-event.js';
import { LogFollower } from '../../engine/events/log-follower.js';
import { type Connection, type ForwardArgs, paginate } from '../../engine/graphql/pagination/connection.js';
import { LiveQueue } from '../../engine/realtime/fan-out/live-queue.js';
import { NotificationEntity } from './notification.entity.js';
import { type NotificationRow, shownNotification } from './notification.loader.js';
import { MAX_UNREAD_COUNTED } from './notification.type.js';
import { notified } from './notifications-of-events.js';
import { queueOverflows } from './queue-overflows.js';

/** Ids waiting for one subscriber. A subscriber that exceeds it reads the list, which is complete. */
const MAX_WAITING = 256;

/** Shared by all subscribers, so that a payload is executed once for all who may share it. */
export interface NewNotification {
  readonly id: string;
}

/** Notifications that one statement marks, which bounds how long rows are locked. */
const MARK_BATCH = 1_000;

const MARK_READ = `
update notification set read_at = clock_timestamp() from (
  select id from notification
   where account_id = any(array[?::uuid]) and read_at is null and id <= ?
     and exists (select from session where id = ? and ended_at is null)
   order by account_id, id desc limit ${MARK_BATCH}) as unread
 where notification.id = unread.id and notification.read_at is null returning 1`;

const COUNT_UNREAD = `
select count(*)::int as count
  from (select from notification where account_id = any(array[?::uuid]) and read_at is null order by account_id, id desc limit ?) as unread`;

@Injectable()
export class NotificationService implements OnModuleInit {
  /** Those of each account. */
  private readonly subscribers = new Map<string, Set<LiveQueue<NewNotification>>>();

  constructor(
    private readonly orm: MikroORM,
    private readonly follower: LogFollower,
  ) {}

  onModuleInit(): void {
    this.follower.on('delivery', (event) => this.notify(event));
  }

  list(
    context: OperationContext,
    args: ForwardArgs,
    unread: boolean | null | undefined,
  ): Promise<Connection<NotificationRow>> {
    const own = ['account_id = ?', context.viewer.accountId] as const;
    return paginate(context, shownNotification, [own, ...(unread ? [['read_at is null'] as const] : [])], args);
  }

  /** At most {@link MAX_UNREAD_COUNTED}. */
  async countUnread(context: OperationContext): Promise<number> {
    const [row] = await context.rows<{ count: number }>(COUNT_UNREAD, [context.viewer.accountId, MAX_UNREAD_COUNTED]);
    return row?.count ?? 0;
  }

  /** Marks the viewer's notifications up to `upTo`; returns how many were unread. Throws NOT_FOUND. */
  async markRead({ viewer }: OperationContext, upTo: string): Promise<number> {
    const em = this.orm.em.fork();
    const own = { id: upTo, accountId: viewer.accountId };
    if ((await em.count(NotificationEntity, own)) === 0) throw new NotFoundError('Notification');
    for (let total = 0; ;) {
      const marked = await em.execute<unknown[]>(MARK_READ, [viewer.accountId, upTo, viewer.sessionId]);
      total += marked.length;
      if (marked.length < MARK_BATCH) return total;
    }
  }

  /** The account's notifications from now on. A subscriber that falls too far behind gets CURSOR_EXPIRED. */
  subscribe(accountId: string): LiveQueue<NewNotification> {
    const siblings = this.subscribers.get(accountId) ?? new Set();
    const queue = new LiveQueue<NewNotification>({
      capacity: MAX_WAITING,
      overflow: () => new CursorExpiredError(),
      overflowed: () => queueOverflows.inc({ stream: 'notifications' }),
      ended: () => {
        siblings.delete(queue);
        if (siblings.size === 0 && this.subscribers.get(accountId) === siblings) this.subscribers.delete(accountId);
      },
    });
    this.subscribers.set(accountId, siblings.add(queue));
    return queue;
  }

  private notify(event: LogEvent): void {
    const notice = notified(event);
    if (!notice) return;
    const { id } = notice;
    const notification = { id };
    for (const queue of this.subscribers.get(notice.accountId) ?? []) queue.push(notification);
  }
}
