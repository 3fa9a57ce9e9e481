// Pages of a project's events, read from the log.
import { Injectable } from '@nestjs/common';
import type { Reader } from '../../engine/database/reads.js';
import { EventLog } from '../../engine/events/event-log.js';
import type { LogEvent } from '../../engine/events/log-event.js';
import { LogReader } from '../../engine/events/log-reader.js';
import { type PageArgs, pageOf } from '../../engine/graphql/pagination/connection.js';
import { PROJECT_RESOURCE } from '../projects/project-role.js';

export interface HistoryPage {
  readonly events: readonly LogEvent[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** Only the format is checked here; the position is looked up when the page is read. */
const MAX_CURSOR = 64;

@Injectable()
export class ProjectHistory {
  constructor(
    private readonly log: EventLog,
    private readonly events: LogReader,
  ) {}

  /** Events of the project in the order of the log. Throws BAD_USER_INPUT, CURSOR_EXPIRED. */
  async page(reader: Reader, projectId: string, args: PageArgs): Promise<HistoryPage> {
    const { first, last, after, before } = pageOf(args, ({ length }) => length <= MAX_CURSOR);
    const size = (first ?? last)!;
    const place = after ?? before;
    const backwards = last !== undefined;
    const end = backwards ? Number.MAX_SAFE_INTEGER : 0;
    const pos = place === undefined ? end : await this.log.resolveCursor(place);
    const filter = { resourceKind: PROJECT_RESOURCE, resourceId: projectId };
    const found = await this.events.beside({ pos, backwards }, size + 1, filter, reader);
    const hasMore = found.events.length > size;
    // A cursor may name an event of another project: this project may have no event on that side of it.
    return backwards
      ? { events: found.events.slice(-size), hasNextPage: found.hasOther, hasPreviousPage: hasMore }
      : { events: found.events.slice(0, size), hasNextPage: hasMore, hasPreviousPage: found.hasOther };
  }
}
