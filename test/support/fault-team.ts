// The accounts and projects of a fault test.
import type { FaultCluster } from './fault-cluster.js';
import { PersistentClient } from './fault-client.js';

export interface Teammate {
  readonly name: string;
  readonly id: string;
  readonly sessionId: string;
  readonly accessToken: string;
  readonly client: PersistentClient;
}

export interface Team {
  /** Changes roles and memberships; sees everything. */
  readonly admin: Teammate;
  /** Post updates and read internal notes. */
  readonly writers: readonly [Teammate, Teammate];
  /** Has read access only. */
  readonly viewer: Teammate;
  /** Alternates between EDITOR and read-only; a member throughout. */
  readonly promoted: Teammate;
  /** Is repeatedly removed from the first project and added again; a member of the second throughout. */
  readonly guest: Teammate;
  /** Ids of the projects. */
  readonly projects: readonly [string, string];
}

const REGISTER =
  'mutation ($i: RegisterInput!) { register(input: $i) { accessToken user { id role } session { id } } }';
const LOGIN = 'mutation ($i: LoginInput!) { login(input: $i) { accessToken user { id role } session { id } } }';
export const SET_ROLE = 'mutation ($u: ID!, $r: Role!) { setUserRole(userId: $u, role: $r) { role } }';
export const SET_MEMBER =
  'mutation ($p: ID!, $u: ID!, $r: ProjectRole!) { setProjectMember(projectId: $p, userId: $u, role: $r) { role } }';
export const REMOVE_MEMBER = 'mutation ($p: ID!, $u: ID!) { removeProjectMember(projectId: $p, userId: $u) }';

export async function makeTeam({ urls }: FaultCluster): Promise<Team> {
  const join = async (name: string): Promise<Teammate> => {
    const i = { name, email: `${name}@example.com`, password: 'whatever fails, nothing is lost' };
    const visitor = new PersistentClient(urls);
    const registered = visitor.data(REGISTER, { i }).then(({ register }) => register);
    const { accessToken, user, session } = await registered.catch((error: unknown) => {
      // A previous attempt timed out but was executed, so the retry found the account.
      if (!String(error).includes('EMAIL_TAKEN')) throw error;
      return visitor.data(LOGIN, { i: { email: i.email, password: i.password } }).then(({ login }) => login);
    });
    const client = new PersistentClient(urls, accessToken);
    return { name, id: user.id, sessionId: session.id, accessToken, client };
  };
  // The first account to register becomes the ADMIN.
  const admin = await join('admin');
  const [first, second, viewer, promoted, guest] = (await Promise.all(
    (['writer', 'editor', 'viewer', 'promoted', 'guest'] as const).map(join),
  )) as [Teammate, Teammate, Teammate, Teammate, Teammate];
  for (const { id: u } of [first, second, promoted]) await admin.client.data(SET_ROLE, { u, r: 'EDITOR' });
  const create = 'mutation ($i: CreateProjectInput!) { createProject(input: $i) { id } }';
  const project = async (key: string): Promise<string> => {
    const created = admin.client.data(create, { i: { key, name: `Project ${key}` } });
    const p: string = await created.then(
      ({ createProject }) => createProject.id,
      async (error: unknown) => {
        // As with registration: a previous attempt timed out but created the project.
        if (!String(error).includes('PROJECT_KEY_TAKEN')) throw error;
        return (await admin.client.data('query ($key: String!) { project(key: $key) { id } }', { key })).project.id;
      },
    );
    const roles = { EDITOR: [first, second, promoted], VIEWER: [viewer, guest] };
    for (const [r, members] of Object.entries(roles)) {
      for (const { id: u } of members) await admin.client.data(SET_MEMBER, { p, u, r });
    }
    return p;
  };
  const projects = [await project('FIRST'), await project('SECOND')] as const;
  return { admin, writers: [first, second], viewer, promoted, guest, projects };
}

/** The current cursor, from which subscribers start: earlier events are not expected. */
export async function presentCursor({ admin, projects }: Team): Promise<string> {
  const { project } = await admin.client.data('query ($id: ID!) { project(id: $id) { lastCursor } }', {
    id: projects[0],
  });
  return project.lastCursor;
}
