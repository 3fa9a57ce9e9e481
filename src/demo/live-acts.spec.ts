import { Role } from '../engine/access/role.js';
import { Health } from '../domain/projects/health.js';
import { ProjectRole } from '../domain/projects/project-role.js';
import { type ActKind, possibleActs, type SeenProject } from './live-acts.js';

/** `said`: the versions of what it has said. */
function project(role: ProjectRole | undefined, author: string | undefined, said: readonly number[] = []): SeenProject {
  const update = { id: 'u', title: 'T', body: '', health: Health.ON_TRACK, version: 1 };
  return {
    id: 'p',
    key: 'P',
    health: null,
    members: { edges: role ? [{ node: { role, user: { id: 'me' } } }] : [] },
    latestUpdate: author ? { ...update, author: { id: author, name: 'A B' } } : null,
    comments: { edges: said.map((version) => ({ node: { id: 'c', body: 'B', version, author: { id: 'me' } } })) },
  };
}

const kinds = (accountRole: Role, role: ProjectRole | undefined, author?: string) => {
  const weights = Object.entries(possibleActs({ id: 'me', role: accountRole }, project(role, author)));
  return weights.flatMap(([kind, weight]) => (weight > 0 ? [kind as ActKind] : [])).sort();
};

const weight = (...said: number[]) =>
  possibleActs({ id: 'me', role: Role.USER }, project(ProjectRole.VIEWER, 'other', said)).correct;

describe('what an account does in the live demo', () => {
  it('is talking only, where it may not edit', () => {
    expect(kinds(Role.USER, ProjectRole.VIEWER)).toEqual(['chat']);
    expect(kinds(Role.USER, ProjectRole.OWNER, 'other')).toEqual(['chat', 'reply']);
    expect(kinds(Role.EDITOR, ProjectRole.VIEWER, 'other')).toEqual(['chat', 'reply']);
  });

  it('is posting updates, where it may edit', () => {
    expect(kinds(Role.EDITOR, ProjectRole.EDITOR, 'other')).toEqual(['chat', 'reply', 'update']);
    expect(kinds(Role.ADMIN, undefined)).toEqual(['chat', 'update']);
  });

  it('is editing what it said last, rather than answering itself', () => {
    expect(kinds(Role.EDITOR, ProjectRole.OWNER, 'me')).toEqual(['chat', 'edit', 'update']);
  });

  it('is correcting once what it has said', () => {
    expect([weight(), weight(2), weight(2, 1) > 0]).toEqual([0, 0, true]);
  });
});
