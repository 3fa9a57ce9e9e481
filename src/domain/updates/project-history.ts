// The events of a project, page by page: the log that subscriptions follow, for those who ask.
import { Injectable } from '@nestjs/common';
import type { EntityManager } from '@mikro-orm/postgresql';
import { EventLog } from '../../engine/events/event-log.js';
import type { LogEvent } from '../../engine/events/log-event.js';
import { LogReader } from '../../engine/events/log-reader.js';
import { type PageArgs, pageOf } from '../../engine/graphql/connection.js';
import { PROJECT_RESOURCE } from '../projects/project-role.js';

export interface HistoryPage {
  readonly events: readonly LogEvent[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** Whether a text is a place in the log is found out when it is looked up. */
const MAX_CURSOR = 64;

@Injectable()
export class ProjectHistory {
  constructor(
    private readonly log: EventLog,
    private readonly reader: LogReader,
  ) {}

  /** Events of the project in the order of the log. Throws BAD_USER_INPUT, CURSOR_EXPIRED. */
  async page(em: EntityManager, projectId: string, args: PageArgs): Promise<HistoryPage> {
    const { first, last, after, before } = pageOf(args, ({ length }) => length <= MAX_CURSOR);
    const size = (first ?? last)!;
    const place = after ?? before;
    const pos = place === undefined ? undefined : await this.log.resolveCursor(place);
    const backwards = last !== undefined;
    const range = backwards ? { before: pos, backwards } : { after: pos, backwards };
    const filter = { resourceKind: PROJECT_RESOURCE, resourceId: projectId };
    const found = await this.reader.between(range, size + 1, filter, em);
    const [hasMore, hasPlace] = [found.length > size, pos !== undefined];
    return backwards
      ? { events: found.slice(-size), hasNextPage: hasPlace, hasPreviousPage: hasMore }
      : { events: found.slice(0, size), hasNextPage: hasMore, hasPreviousPage: hasPlace };
  }
}
