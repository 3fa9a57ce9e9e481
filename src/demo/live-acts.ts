// What the live demo does: looks at what an account may see, picks something that it may do there, and does it.
import { randomUUID } from 'node:crypto';
import { Role } from '../engine/access/role.js';
import type { Health } from '../domain/projects/health.js';
import { ProjectRole } from '../domain/projects/project-role.js';
import type { LiveClient } from './live-client.js';
import { pick, pickWeighted, type Random } from './live-schedule.js';
import { type LiveTexts, nextHealth } from './live-texts.js';

const LOOK = `query Look {
  me { id role }
  projects(first: 20) { edges { node {
    id key health
    members(first: 50) { edges { node { role user { id } } } }
    latestUpdate { id title body health version author { id name } }
    comments(first: 10) { edges { node { id body version author { id } } } }
  } } }
}`;
const POST_UPDATE = 'mutation Post($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';
const EDIT_UPDATE = `mutation Edit($id: ID!, $version: Int!, $input: EditUpdateInput!) {
  editUpdate(id: $id, version: $version, input: $input) { id }
}`;
const EDIT_COMMENT = `mutation Correct($id: ID!, $version: Int!, $input: EditCommentInput!) {
  editComment(id: $id, version: $version, input: $input) { id }
}`;
const POST_COMMENT = 'mutation Say($input: PostCommentInput!) { postComment(input: $input) { id } }';

interface Page<T> {
  readonly edges: readonly { readonly node: T }[];
}

interface SeenUpdate {
  readonly id: string;
  readonly title: string;
  readonly body: string;
  readonly health: Health;
  readonly version: number;
  readonly author: { readonly id: string; readonly name: string };
}

interface SeenComment {
  readonly id: string;
  readonly body: string;
  readonly version: number;
  readonly author: { readonly id: string };
}

export interface SeenProject {
  readonly id: string;
  readonly key: string;
  readonly health: Health | null;
  readonly members: Page<{ readonly role: ProjectRole; readonly user: { readonly id: string } }>;
  readonly latestUpdate: SeenUpdate | null;
  /** The newest ones. */
  readonly comments: Page<SeenComment>;
}

export interface Me {
  readonly id: string;
  readonly role: Role;
}

export type ActKind = 'update' | 'edit' | 'reply' | 'chat' | 'correct';

/** How often each kind is done, where all are possible. */
const OFTEN: Readonly<Record<ActKind, number>> = { update: 35, edit: 10, reply: 30, chat: 25, correct: 5 };

/** What `me` may sensibly do in `project`, with its weight. */
export function possibleActs(me: Me, { members, latestUpdate, comments }: SeenProject): Record<ActKind, number> {
  const membership = members.edges.find(({ node }) => node.user.id === me.id)?.node.role;
  const edits =
    me.role === Role.ADMIN || (me.role === Role.EDITOR && !!membership && membership !== ProjectRole.VIEWER);
  const ownLatest = latestUpdate?.author.id === me.id;
  return {
    update: edits ? OFTEN.update : 0,
    edit: edits && ownLatest ? OFTEN.edit : 0,
    // Nobody answers itself.
    reply: latestUpdate && !ownLatest ? OFTEN.reply : 0,
    chat: OFTEN.chat,
    correct: ownComment(me, comments) ? OFTEN.correct : 0,
  };
}

/** The newest comment of its own that it has not edited yet. */
function ownComment({ id }: Me, comments: Page<SeenComment>): SeenComment | undefined {
  return comments.edges.find(({ node }) => node.author.id === id && node.version === 1)?.node;
}

/** Lets the account of `client` do one thing, and tells it in a line; undefined if it sees no project. */
export async function act(client: LiveClient, texts: LiveTexts, random: Random): Promise<string | undefined> {
  const { me, projects } = await client.request<{ me: Me; projects: Page<SeenProject> }>(LOOK);
  if (projects.edges.length === 0) return undefined;
  const project = pick(projects.edges, random).node;
  const { latestUpdate: latest, key, id: projectId } = project;
  const kind = pickWeighted(possibleActs(me, project), random);
  const idempotencyKey = randomUUID();
  if (kind === 'update') {
    const health = nextHealth(project.health, random);
    const text = texts.update(key, project.health, health);
    await client.request(POST_UPDATE, { input: { projectId, health, ...text, idempotencyKey } });
    const turned = project.health && project.health !== health ? `${project.health} → ${health}` : health;
    return `${key}  update (${turned}): ${text.title}`;
  }
  if (kind === 'edit' && latest) {
    const input = { body: texts.amended(key, latest.body), health: nextHealth(latest.health, random) };
    await client.request(EDIT_UPDATE, { id: latest.id, version: latest.version, input });
    return `${key}  edit (${input.health}): ${latest.title}`;
  }
  const said = kind === 'correct' ? ownComment(me, project.comments) : undefined;
  if (said) {
    const input = { body: texts.amended(key, said.body) };
    await client.request(EDIT_COMMENT, { id: said.id, version: said.version, input });
    return `${key}  correct: ${said.body}`;
  }
  const body = kind === 'reply' && latest ? texts.reply(key, latest.health, latest.author.name) : texts.chat(key);
  const updateId = kind === 'reply' ? latest?.id : undefined;
  await client.request(POST_COMMENT, { input: { projectId, updateId, body, idempotencyKey } });
  return `${key}  ${kind}: ${body}`;
}
