import { Role } from '../engine/access/role.js';
import { Health } from '../domain/projects/health.js';
import { ProjectRole } from '../domain/projects/project-role.js';
import { type ActKind, possibleActs, type SeenProject } from './live-acts.js';

function project(role: ProjectRole | undefined, author: string | undefined): SeenProject {
  const update = { id: 'u', title: 'T', body: '', health: Health.ON_TRACK, version: 1 };
  return {
    id: 'p',
    key: 'P',
    health: null,
    members: { edges: role ? [{ node: { role, user: { id: 'me' } } }] : [] },
    latestUpdate: author ? { ...update, author: { id: author, name: 'A B' } } : null,
  };
}

const kinds = (accountRole: Role, role: ProjectRole | undefined, author?: string) => {
  const weights = Object.entries(possibleActs({ id: 'me', role: accountRole }, project(role, author)));
  return weights.flatMap(([kind, weight]) => (weight > 0 ? [kind as ActKind] : [])).sort();
};

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
});
