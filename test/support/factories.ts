// Test fixtures, created through the public API.
import type { GraphqlClient } from './graphql-client.js';
import type { Person } from './tidings.js';

let count = 0;
const unique = () => (count += 1);

export interface TestProject {
  readonly id: string;
  readonly key: string;
  readonly lastCursor: string;
}

/** Creates a project with `owner` as its OWNER. */
export async function createProject(owner: Person, input: Record<string, unknown> = {}): Promise<TestProject> {
  const mutation = 'mutation ($input: CreateProjectInput!) { createProject(input: $input) { id key lastCursor } }';
  const key = `T${unique()}-${process.pid}`;
  return (await owner.data(mutation, { input: { key, name: `Project ${key}`, ...input } })).createProject;
}

/** Adds `member` to a project, or changes its role there. */
export async function addMember(
  owner: Person,
  projectId: string,
  member: Person,
  role: 'VIEWER' | 'EDITOR' | 'OWNER',
): Promise<void> {
  const mutation =
    'mutation ($p: ID!, $u: ID!, $r: ProjectRole!) { setProjectMember(projectId: $p, userId: $u, role: $r) { role } }';
  await owner.data(mutation, { p: projectId, u: member.id, r: role });
}

/** Posts an update and returns its id. */
export async function postUpdate(
  author: GraphqlClient,
  projectId: string,
  input: Record<string, unknown> = {},
): Promise<string> {
  const mutation = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';
  const update = { projectId, title: `Update ${unique()}`, health: 'ON_TRACK', ...input };
  return (await author.data(mutation, { input: update })).postUpdate.id;
}
