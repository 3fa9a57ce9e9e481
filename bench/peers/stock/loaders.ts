// DataLoaders for nested fields, one set per request.
import type { EntityManager } from '@mikro-orm/postgresql';
import DataLoader from 'dataloader';
import {
  type Account,
  AccountEntity,
  type ProjectMember,
  ProjectMemberEntity,
  ProjectRole,
  type ProjectUpdate,
  ProjectUpdateEntity,
} from './entities.js';

const inOrder = <T>(ids: readonly string[], rows: readonly T[], idOf: (row: T) => string): (T | undefined)[] => {
  const byId = new Map(rows.map((row) => [idOf(row), row]));
  return ids.map((id) => byId.get(id));
};

export class Loaders {
  readonly account: DataLoader<string, Account | undefined>;
  readonly members: DataLoader<string, ProjectMember[]>;
  readonly lead: DataLoader<string, ProjectMember | undefined>;
  readonly latestUpdate: DataLoader<string, ProjectUpdate | undefined>;
  /** The role of the viewer in a project. */
  readonly viewerRole: DataLoader<string, ProjectRole | undefined>;

  constructor(em: EntityManager, viewerId: () => string) {
    this.account = new DataLoader(async (ids) => {
      const accounts = await em.find(AccountEntity, { id: { $in: [...ids] } });
      return inOrder(ids, accounts, ({ id }) => id);
    });
    this.members = new DataLoader(async (ids) => {
      const members = await em.find(ProjectMemberEntity, { project: { $in: [...ids] } }, { orderBy: { id: 'desc' } });
      const byProject = Map.groupBy(members, ({ project }) => project.id);
      return ids.map((id) => byProject.get(id) ?? []);
    });
    this.lead = new DataLoader(async (ids) => {
      const owners = em
        .createQueryBuilder(ProjectMemberEntity)
        .select('*')
        .distinctOn('project')
        .where({ project: { $in: [...ids] }, role: ProjectRole.OWNER })
        .orderBy({ project: 'asc', id: 'asc' });
      return inOrder(ids, await owners.getResultList(), ({ project }) => project.id);
    });
    this.latestUpdate = new DataLoader(async (ids) => {
      const latest = em
        .createQueryBuilder(ProjectUpdateEntity)
        .select('*')
        .distinctOn('project')
        .where({ project: { $in: [...ids] } })
        .orderBy({ project: 'asc', id: 'desc' });
      return inOrder(ids, await latest.getResultList(), ({ project }) => project.id);
    });
    this.viewerRole = new DataLoader(async (ids) => {
      const own = await em.find(ProjectMemberEntity, { project: { $in: [...ids] }, account: viewerId() });
      return inOrder(ids, own, ({ project }) => project.id).map((member) => member?.role);
    });
  }
}
