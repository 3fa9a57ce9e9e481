// Turns stories into the rows and events that would be there, had all of it happened through the API.
import { v7 } from 'uuid';
import type { Account } from '../engine/accounts/account.entity.js';
import type { EventDraft } from '../engine/events/log-event.js';
import type { Project, ProjectMember } from '../domain/projects/project.entity.js';
import { type FactsOf, projectEvent, ProjectEventKind } from '../domain/projects/project-events.js';
import { ProjectRole } from '../domain/projects/project-role.js';
import type { Comment, Update } from '../domain/updates/update.entity.js';
import { emailKey } from '../engine/mail/email-address.js';
import { DEMO_ACCOUNT_IDS } from './demo-accounts.js';
import { PEOPLE, type PersonName } from './people.js';
import { timeOf, type ProjectStory, type StoryComment } from './story.js';

/** Rows by table, and the events of all of them in the order of their times. */
export interface DemoHistory {
  readonly accounts: readonly Account[];
  readonly projects: readonly Omit<Project, 'members'>[];
  readonly members: readonly ProjectMember[];
  readonly updates: readonly Update[];
  readonly comments: readonly Comment[];
  readonly events: readonly EventDraft[];
}

/** PHC strings: of the three demo accounts, and of everyone else. */
export interface DemoHashes {
  readonly demo: string;
  readonly others: string;
}

/** The company is older than its projects: this many working days, which is before the first story. */
const FOUNDED = '60d 09:00';
const MINUTE = 60_000;

const idAt = (time: Date): string => v7({ msecs: time.getTime() });
const untouched = () => ({ idempotencyKey: null, inputHash: null, mentioned: [] });

/** The whole past of the demo, as seen at `now`. */
export function buildHistory(stories: readonly ProjectStory[], hashes: DemoHashes, now: Date): DemoHistory {
  const accounts = buildAccounts(hashes, now);
  const told = stories.map((story) => buildProject(story, idsByName(accounts), now));
  const events = told.flatMap((project) => project.events).sort((a, b) => a.at.getTime() - b.at.getTime());
  return {
    accounts: [...accounts.values()],
    projects: told.map(({ project }) => project),
    members: told.flatMap(({ members }) => members),
    updates: told.flatMap(({ updates }) => updates),
    comments: told.flatMap(({ comments }) => comments),
    events: events.map(({ draft }) => draft),
  };
}

type IdOf = (name: PersonName) => string;

function buildAccounts(hashes: DemoHashes, now: Date): Map<PersonName, Account> {
  const founded = timeOf(FOUNDED, now).getTime();
  const known: Partial<Record<PersonName, string>> = DEMO_ACCOUNT_IDS;
  const entries = Object.entries(PEOPLE).map(([key, person], index) => {
    const name = key as PersonName;
    const createdAt = new Date(founded + index * MINUTE);
    const passwordHash = known[name] ? hashes.demo : hashes.others;
    const account = {
      id: known[name] ?? idAt(createdAt),
      ...person,
      emailKey: emailKey(person.email),
      passwordHash,
      isSystem: false,
      disabledAt: null,
      createdAt,
    };
    return [name, account] as const;
  });
  return new Map(entries);
}

function idsByName(accounts: Map<PersonName, Account>): IdOf {
  return (name) => {
    const account = accounts.get(name);
    if (!account) throw new Error(`Nobody is called ${name}`);
    return account.id;
  };
}

function buildProject(story: ProjectStory, idOf: IdOf, now: Date) {
  const createdAt = timeOf(story.created, now);
  const { key, name, description, budget } = story;
  const project = {
    id: idAt(createdAt),
    key,
    name,
    description,
    budget,
    version: 1,
    createdAt,
    updatedAt: createdAt,
    deletedAt: null,
  };
  const projectId = project.id;
  const events: { at: Date; draft: EventDraft }[] = [];
  const happened = <K extends ProjectEventKind>(at: Date, by: PersonName, kind: K, facts: FactsOf<K>): void => {
    events.push({ at, draft: projectEvent({ accountId: idOf(by) }, projectId, kind, facts) });
  };
  const memberRow = (at: Date, who: PersonName, role: ProjectRole) => ({
    id: idAt(at),
    projectId,
    accountId: idOf(who),
    role,
    createdAt: at,
  });
  const commentRow = ([when, by, body]: StoryComment, updateId: string | null) => {
    const at = timeOf(when, now);
    const said = { projectId, updateId, authorId: idOf(by), body };
    const comment = { id: idAt(at), ...said, version: 1, ...untouched(), createdAt: at, editedAt: null };
    happened(at, by, ProjectEventKind.COMMENT_POSTED, { subjectId: comment.id });
    return comment;
  };

  happened(createdAt, story.lead, ProjectEventKind.PROJECT_CREATED, { subjectId: projectId });
  const joined = story.members.map(([when, who, role]) => {
    const at = timeOf(when, now);
    happened(at, story.lead, ProjectEventKind.MEMBER_ADDED, { subjectId: idOf(who), role });
    return memberRow(at, who, role);
  });
  const comments = story.chat.map((remark) => commentRow(remark, null));
  const updates = story.updates.map(({ at: when, by, health, title, body, note, comments: remarks }) => {
    const at = timeOf(when, now);
    const said = { authorId: idOf(by), title, body, health, internalNote: note ?? null };
    const update = { id: idAt(at), projectId, ...said, version: 1, ...untouched(), createdAt: at, editedAt: null };
    happened(at, by, ProjectEventKind.UPDATE_POSTED, { subjectId: update.id });
    comments.push(...(remarks ?? []).map((remark) => commentRow(remark, update.id)));
    return update;
  });
  return {
    project,
    members: [memberRow(createdAt, story.lead, ProjectRole.OWNER), ...joined],
    updates,
    comments,
    events,
  };
}
