// Projects that are deleted as of the applied log position. Used for ADMINs, who need no membership and must not see the history
// of deleted projects.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { LogFollower } from '../../engine/events/log-follower.js';
import { ProjectEventKind } from './project-events.js';
import { PROJECT_RESOURCE } from './project-role.js';

@Injectable()
export class DeletedProjects implements OnModuleInit {
  /** Grows only: deletions are final. */
  private readonly ids = new Set<string>();
  private reading: Promise<void> | undefined;

  constructor(
    private readonly orm: MikroORM,
    private readonly follower: LogFollower,
  ) {}

  onModuleInit(): void {
    this.follower.on('rights', ({ resource, kind }) => {
      if (resource.kind === PROJECT_RESOURCE && kind === ProjectEventKind.PROJECT_DELETED) this.ids.add(resource.id);
    });
  }

  /** Whether it is deleted. Deletions from before this instance started are known once `known` has resolved. */
  has(projectId: string): boolean {
    return this.ids.has(projectId);
  }

  /** Loads deletions from before this instance followed the log, with one statement per process. */
  known(): Promise<void> {
    return (this.reading ??= this.read().catch((error: unknown) => {
      this.reading = undefined;
      throw error;
    }));
  }

  private async read(): Promise<void> {
    const sql = 'select id from project where deleted_at is not null';
    for (const { id } of await this.orm.em.fork().execute<{ id: string }[]>(sql)) this.ids.add(id);
  }
}
