// Test data for the permission table: one account per column, with projects in which it has the column's role. Written
// directly to the database before the first request.
import { randomUUID } from 'node:crypto';
import { projectEvent, ProjectEventKind } from '../../src/domain/projects/project-events.js';
import { EventLog } from '../../src/engine/events/event-log.js';
import { type Standing, STANDINGS } from './permission-table.js';
import { SocketClient } from './socket-client.js';
import type { Person, TestTidings } from './tidings.js';

export type Transport = 'HTTP' | 'socket';

/** Objects that a call may delete. Each transport has its own, since both make the same calls. */
export interface Props {
  /** `deletable`: a project to delete; `leavable`: a project to leave. */
  readonly deletable: string;
  readonly leavable: string;
  readonly update: string;
  readonly ownComment: string;
  readonly comment: string;
}

export interface Place {
  readonly standing: Standing;
  /** undefined: anonymous. */
  readonly person: Person | undefined;
  readonly socket: SocketClient | undefined;
  /** A second account with the same role, for operations that end its sessions. */
  readonly double: Person | undefined;
  readonly project: string;
  readonly update: string;
  readonly comment: string;
  readonly ownComment: string;
  readonly props: Readonly<Record<Transport, Props>>;
}

export interface Stage {
  readonly places: readonly Place[];
  /** OWNER of every project; shares a project with every account. */
  readonly keeper: Person;
  readonly bystander: Person;
  /** A cursor before the only event of each project. */
  readonly cursor: string;
}

/** Collects rows per table and inserts them together. */
class Rows {
  private readonly tables = new Map<string, Record<string, unknown>[]>();

  add(table: string, row: Record<string, unknown>): string {
    const id = randomUUID();
    this.tables.set(table, [...(this.tables.get(table) ?? []), { id, ...row }]);
    return id;
  }

  async insert({ database }: TestTidings): Promise<void> {
    for (const [table, rows] of this.tables) {
      const columns = Object.keys(rows[0]!).join(', ');
      const sql = `insert into ${table} (${columns}) select ${columns} from jsonb_populate_recordset(null::${table}, $1)`;
      await database.query(sql, [JSON.stringify(rows)]);
    }
  }
}

export async function setStage(tidings: TestTidings): Promise<Stage> {
  const keeper = await tidings.asUser('EDITOR', 'Keeper');
  const bystander = await tidings.asUser('USER', 'Bystander');
  const rows = new Rows();
  let keys = 0;
  const member = (projectId: string, { id }: Person, role: string) =>
    rows.add('project_member', { project_id: projectId, account_id: id, role, created_at: new Date() });
  const project = (person?: Person, role?: string) => {
    const key = `WALK-${(keys += 1)}`;
    const at = new Date();
    const row = { key, name: key, description: '', budget: 1250, version: 1, created_at: at, updated_at: at };
    const id = rows.add('project', row);
    member(id, keeper, 'OWNER');
    if (person && role) member(id, person, role);
    return id;
  };
  const update = (projectId: string) => {
    const row = { project_id: projectId, author_id: keeper.id, title: 'News', body: '', health: 'ON_TRACK' };
    return rows.add('project_update', { ...row, internal_note: 'Hush', version: 1, created_at: new Date() });
  };
  const comment = (projectId: string, { id }: Person) =>
    rows.add('comment', { project_id: projectId, author_id: id, body: 'Said', created_at: new Date() });

  const lobby = project();
  const places: Omit<Place, 'socket'>[] = [];
  for (const standing of STANDINGS) {
    const person = standing.role && (await tidings.asUser(standing.role, standing.label));
    const double = standing.role && (await tidings.asUser(standing.role, standing.label));
    if (person) member(lobby, person, 'VIEWER');
    const own = () => project(person, standing.membership);
    const main = own();
    const props = () => ({
      deletable: own(),
      leavable: own(),
      update: update(main),
      comment: comment(main, keeper),
      ownComment: comment(main, person ?? keeper),
    });
    places.push({
      standing,
      person,
      double,
      project: main,
      update: update(main),
      comment: comment(main, keeper),
      ownComment: comment(main, person ?? keeper),
      props: { HTTP: props(), socket: props() },
    });
  }
  const lobbyUpdate = update(lobby);
  await rows.insert(tidings);
  const { lastCursor: cursor } = (await keeper.data('{ projects(first: 1) { lastCursor } }')).projects;
  await tidings.app.get(EventLog).transaction(async ({ record }) => {
    const posted = [[lobby, lobbyUpdate] as const, ...places.map((place) => [place.project, place.update] as const)];
    for (const [projectId, id] of posted) {
      record(projectEvent({ accountId: keeper.id }, projectId, ProjectEventKind.UPDATE_POSTED, { subjectId: id }));
    }
  });
  // Connects last: the server loads the account's rights when the socket connects.
  const connected = places.map((place) => {
    const { person } = place;
    return {
      ...place,
      socket: person && new SocketClient(tidings.url, person.accessToken, { lazy: false, onNonLazyError: () => {} }),
    };
  });
  return { places: connected, keeper, bystander, cursor };
}
