// The demo's past must be one that could have happened.
import { parse, version } from 'uuid';
import { Role } from '../engine/access/role.js';
import { ProjectEventKind, subjectOf } from '../domain/projects/project-events.js';
import { ProjectRole } from '../domain/projects/project-role.js';
import { Health } from '../domain/projects/health.js';
import { DEMO_ACCOUNT_IDS } from './demo-accounts.js';
import { buildHistory } from './history.js';
import { PEOPLE } from './people.js';
import { STORIES } from './prepare-demo.js';
import { timeOf } from './story.js';

const NOON = new Date(2026, 7, 12, 12, 0); // a Wednesday
const SUNDAY = new Date(2027, 0, 3, 0, 5);
const told = (now: Date) => buildHistory(STORIES, { demo: 'demo hash', others: 'other hash' }, now);
const { accounts, projects, members, updates, comments, events } = told(NOON);

const timeIn = (id: string): number => Buffer.from(parse(id)).readUIntBE(0, 6);
const rolesOf = (accountId: string) =>
  members.filter((member) => member.accountId === accountId).map(({ role }) => role);
const healthsOf = (key: string) =>
  STORIES.find((story) => story.key === key)?.updates.map(({ health }) => health) ?? [];

describe('times of stories', () => {
  it('count working days back, on the clock of the server', () => {
    expect(timeOf('1d 09:30', NOON)).toEqual(new Date(2026, 7, 11, 9, 30));
    expect(timeOf('3d 16:00', NOON)).toEqual(new Date(2026, 7, 7, 16, 0));
    expect(timeOf('1d 16:00', SUNDAY)).toEqual(new Date(2027, 0, 1, 16, 0));
  });

  it.each([NOON, SUNDAY])('lie in the past of %p, on working days', (now) => {
    const { updates: posted, comments: said, projects: made } = told(now);
    for (const { createdAt } of [...posted, ...said, ...made]) {
      expect(createdAt.getTime()).toBeLessThan(now.getTime());
      expect(createdAt.getDay() % 6).not.toBe(0);
    }
  });
});

describe('buildHistory', () => {
  it('has ids that sort by time', () => {
    for (const { id, createdAt } of [...projects, ...members, ...updates, ...comments]) {
      expect(version(id)).toBe(7);
      expect(timeIn(id)).toBe(createdAt.getTime());
    }
    expect(accounts.map(({ id }) => id).sort()).toEqual(accounts.map(({ id }) => id));
  });

  it('is chronological: authors are members, and replies follow what they reply to', () => {
    for (const story of STORIES) {
      const joined = new Map([[story.lead, story.created], ...story.members.map(([at, who]) => [who, at] as const)]);
      const remarks = [...story.chat, ...story.updates.flatMap((update) => update.comments ?? [])];
      for (const [at, by] of [...remarks, ...story.updates.map((update) => [update.at, update.by] as const)]) {
        const since = joined.get(by) ?? (PEOPLE[by].role === Role.ADMIN ? story.created : undefined);
        if (!since) throw new Error(`${by} is not in ${story.key}`);
        expect(timeOf(at, NOON).getTime()).toBeGreaterThan(timeOf(since, NOON).getTime());
      }
      for (const update of story.updates)
        for (const [at] of update.comments ?? [])
          expect(timeOf(at, NOON).getTime()).toBeGreaterThan(timeOf(update.at, NOON).getTime());
    }
  });

  it('has updates of editors and owners only', () => {
    for (const { key, lead, members: others, updates: posted } of STORIES) {
      const editors = new Set(others.flatMap(([, who, role]) => (role === ProjectRole.VIEWER ? [] : [who])));
      for (const { by } of posted) {
        expect({ key, by, may: by === lead || editors.has(by) }).toEqual({ key, by, may: true });
        expect(PEOPLE[by].role).not.toBe(Role.USER);
      }
    }
  });

  it('has one event for each change, in order of time', () => {
    const count = (kind: ProjectEventKind) => events.filter((event) => event.kind === kind).length;
    expect(count(ProjectEventKind.PROJECT_CREATED)).toBe(projects.length);
    expect(count(ProjectEventKind.MEMBER_ADDED)).toBe(members.length - projects.length);
    expect(count(ProjectEventKind.UPDATE_POSTED)).toBe(updates.length);
    expect(count(ProjectEventKind.COMMENT_POSTED)).toBe(comments.length);
    expect(events).toHaveLength(projects.length + members.length - projects.length + updates.length + comments.length);

    const times = new Map([...projects, ...updates, ...comments].map(({ id, createdAt }) => [id, createdAt.getTime()]));
    const order = events.flatMap((event) => times.get(subjectOf(event)) ?? []);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it('has every health, and a project that recovered', () => {
    expect(new Set(STORIES.map(({ key }) => healthsOf(key).at(-1)))).toEqual(new Set(Object.values(Health)));
    expect(healthsOf('BILLING')).toContain(Health.OFF_TRACK);
    expect(healthsOf('BILLING').at(-1)).toBe(Health.ON_TRACK);
  });

  it('shows each demo account some projects, and only the admin all', () => {
    expect(new Set(rolesOf(DEMO_ACCOUNT_IDS.elias))).toEqual(new Set(Object.values(ProjectRole)));
    expect(rolesOf(DEMO_ACCOUNT_IDS.elias)).toHaveLength(projects.length - 1);
    expect(rolesOf(DEMO_ACCOUNT_IDS.uma)).toEqual([ProjectRole.VIEWER, ProjectRole.VIEWER, ProjectRole.VIEWER]);
  });

  it('fits into the columns', () => {
    for (const { title, body, internalNote } of updates) {
      expect(title.length).toBeLessThanOrEqual(120);
      expect(body.length).toBeLessThanOrEqual(1_000);
      expect((internalNote ?? '').length).toBeLessThanOrEqual(1_000);
    }
    expect(new Set([...updates, ...comments].map(({ body }) => body)).size).toBe(updates.length + comments.length);
  });
});
