// Which projects are deleted, as of the place in the log that this node has applied: whoever needs no membership to see a
// project, an ADMIN, is not shown the past of one that is gone.
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MikroORM } from '@mikro-orm/postgresql';
import { LogFollower } from '../../engine/events/log-follower.js';
import { ProjectEventKind } from './project-events.js';
import { PROJECT_RESOURCE } from './project-role.js';

@Injectable()
export class DeletedProjects implements OnModuleInit {
  /** Grows only: no project comes back. */
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

  /** Whether it is deleted. Not to be asked of what was deleted before this node began, unless `known` has resolved. */
  has(projectId: string): boolean {
    return this.ids.has(projectId);
  }

  /** Resolves when those from before this node began to follow the log are known too: one statement in its whole life. */
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
