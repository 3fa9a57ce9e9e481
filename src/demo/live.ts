// `npm run demo:live`: posts updates and comments to a running server over HTTP, as the three demo accounts, until stopped.
import { setTimeout as delay } from 'node:timers/promises';
import { Command, InvalidArgumentError } from 'commander';
import { onStopSignal } from '../boot/stop-signals.js';
import { Health } from '../domain/projects/health.js';
import { parseDuration } from '../engine/config/durations.js';
import { DEMO_PASSWORD, PEOPLE } from './people.js';

const MIN_PAUSE_MS = 500;

/** What the projects are about, by key. In texts, {subject} is one of these, {n} a number and {day} a weekday. */
const SUBJECTS: Readonly<Record<string, string>> = {
  HARBOUR: 'the ferry terminal|the eastern quay|the grid connection|signage|the tram stop station|the control room',
  RIDER: 'unlocking|the offline map|the group ride screen|the payment sheet|the store release|the beta channel',
  SWAP: 'the laboratory test|the cargo bike route|cabinet five|the new lock|overnight charging|crew training',
  BILLING: 'the month’s closing|the new receipt|the day pass|the refund flow|the bank interface|the parallel run',
};
const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'];
const OTHER_SUBJECTS = 'the schedule|testing|the next milestone|the review|onboarding|the budget';
const TITLES: Readonly<Record<Health, string>> = {
  ON_TRACK: 'ahead of plan|tested and accepted|all checks green|{n} of {n} items closed|{n} days to spare',
  AT_RISK: 'slower than planned|waiting for an answer|{n} open points|needs a decision by {day}|retest needed',
  OFF_TRACK: 'blocked|moved by {n} days|failed its check, cause known|no date before {day}|needs another plan',
};
const BODIES: Readonly<Record<Health, string>> = {
  ON_TRACK: `{Subject} went as planned, with a day to spare.|The team closed {n} tasks on {subject} and opened one.|\
We finished {subject} this morning and found nothing that holds us up.|The check of {subject} passed at once.|\
{Subject} has been in daily use for {n} days, without a single complaint.`,
  AT_RISK: `{Subject} takes {n} days longer than we thought.|Our slack for {subject} is down to {n} days.|\
We still wait for an answer about {subject}, and need it by {day}.|{n} checks of {subject} have to be repeated.|\
A delivery for {subject} came incomplete; the rest is promised for {day}.`,
  OFF_TRACK: `{Subject} is blocked, and there is no way around it before {day}.|{Subject} failed with {n} findings.|\
We stopped work on {subject} to find the cause instead of treating the symptom.|\
We are {n} days behind the plan for {subject}.|A part for {subject} is not available before {day}.`,
};
const NEXT_STEPS = `The list of open points is down to {n}. Next: {subject}, by {day}.|\
The walk-through raised {n} questions, all of them answered. On {day} we look at {subject} together.|\
The rehearsal ran {n} times with the same result. The next {n} days belong to {subject}.|\
Photographs and figures are in the project’s folder. We will report on {subject} on {day}.`;
const NOTES = `Not for outside yet: we may save about {n},000 on {subject}.|\
If {subject} slips again, I would ask for {n} more days and not for more people.`;
const REPLIES: Readonly<Record<Health, string>> = {
  ON_TRACK: `Great to hear! Is {subject} next?|That was quick. It makes {subject} easier to plan.|\
Good news for the support desk. Shall I tell the riders about {subject}?|Well done. Does {day} still work for you?`,
  AT_RISK: `Thanks for the early word. Let me know if I can help with {subject}.|We have seen worse. See you on {day}.|\
Good that you say so now. Is {subject} affected as well?|I can take over {n} of the open points.`,
  OFF_TRACK: `Thank you for being open about it. I have time for {subject} on {day}.|Let us sort it out on {day}.|\
That hurts, but it is the right call.|Is {subject} affected as well?`,
};
const CHAT = `Anyone free at {n} o’clock to look at {subject} with me?|I moved our meeting about {subject} to {day}.|\
{n} new questions about {subject} at the support desk today, all of them answered.|\
Who has the latest figures of {subject}? Mine are {n} days old.|Visitors on {day}. They will ask about {subject}.|\
Back from the site visit. {Subject} is in better shape than I remembered.`;

const LOGIN = 'mutation Login($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }';
const LOGOUT = 'mutation Logout($token: String!) { logout(refreshToken: $token) }';
const PROJECTS = `query Projects { me { id role } projects(first: 20) { edges { node {
  id key health viewerRole latestUpdate { id author { id } }
} } } }`;
const POST_UPDATE = 'mutation Post($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';
const POST_COMMENT = 'mutation Say($input: PostCommentInput!) { postComment(input: $input) { id } }';

interface Project {
  readonly id: string;
  readonly key: string;
  readonly health: Health | null;
  readonly viewerRole: string | null;
  readonly latestUpdate: { id: string; author: { id: string } } | null;
}
type Seen = Readonly<{ me: { id: string; role: string }; projects: { edges: { node: Project }[] } }>;
type ReplyError = Readonly<{ message: string; extensions?: { code?: string } }>;
type Tokens = Readonly<{ accessToken: string; refreshToken: string }>;

/** The value that an option was given, or a refusal that says what is expected. */
function read<T>(value: T | false | undefined, expected: string): T {
  if (!value) throw new InvalidArgumentError(`Expected ${expected}.`);
  return value;
}
const readUrl = (given: string) => read(/^https?:/.test(given) && URL.parse(given)?.origin, 'http(s)://host');
const readCount = (given: string) => read(/^[1-9]\d{0,8}$/.test(given) && Number(given), 'a whole number, 1 or more');
function readPause(given: string): number {
  const ms = parseDuration(given) ?? 0;
  return read(ms >= MIN_PAUSE_MS && ms <= 3_600_000 && ms, 'a time from 500ms to 1h, such as 2s');
}

const { url, every, count } = new Command('npm run demo:live --')
  .description('Keeps a running Tidings lively: posts updates and comments as the three demo accounts.')
  .option('--url <url>', 'where Tidings runs', readUrl, 'http://localhost:4000')
  .option('--every <time>', 'mean time between two posts (default: 4s, at least 500ms)', readPause)
  .option('--count <n>', 'stop after so many posts (default: go on until Ctrl-C)', readCount)
  .parse()
  .opts<{ url: string; every?: number; count?: number }>();
const stopping = new AbortController();

const pick = <T>(choices: readonly T[]): T => choices[Math.floor(Math.random() * choices.length)] as T;

/** One of `phrases` with its blanks filled. */
function text(phrases: string, subject: string): string {
  const Subject = subject.charAt(0).toUpperCase() + subject.slice(1);
  const n = String(2 + Math.floor(Math.random() * 11));
  const values: Readonly<Record<string, string>> = { subject, Subject, n, day: pick(DAYS) };
  return pick(phrases.split('|')).replace(/\{(\w+)\}/g, (blank, name: string) => values[name] ?? blank);
}

/** Mostly the same as before, else one step better or worse. */
function nextHealth(health: Health | null): Health {
  const order = [Health.OFF_TRACK, Health.AT_RISK, Health.ON_TRACK] as const;
  if (!health || Math.random() < 0.7) return health ?? Health.ON_TRACK;
  return order[order.indexOf(health) + (Math.random() < 0.6 ? 1 : -1)] ?? health;
}

/** One demo account. An expired token or a server that restarts costs one post: the next one signs in again. */
class Actor {
  private tokens: Tokens | undefined;

  constructor(readonly email: string) {}

  /** Posts something that the account may post; returns a line about it. */
  async post(): Promise<string> {
    const { me, projects } = await this.request<Seen>(PROJECTS);
    if (projects.edges.length === 0) return 'sees no project';
    const { id: projectId, key, health, viewerRole, latestUpdate: latest } = pick(projects.edges).node;
    const mayUpdate = me.role === 'ADMIN' || (me.role === 'EDITOR' && viewerRole !== 'VIEWER');
    const subject = pick((SUBJECTS[key] ?? OTHER_SUBJECTS).split('|'));
    const kind = Math.random();
    if (mayUpdate && kind < 0.4) {
      const next = nextHealth(health);
      const title = text(`{Subject}: ${pick(TITLES[next].split('|'))}`, subject);
      const body = `${text(BODIES[next], subject)} ${text(NEXT_STEPS, subject)}`;
      const internalNote = Math.random() < 0.3 ? text(NOTES, subject) : null;
      await this.request(POST_UPDATE, { input: { projectId, health: next, title, body, internalNote } });
      return `${key}  update (${next}): ${title}`;
    }
    const updateId = latest && latest.author.id !== me.id && kind < 0.8 ? latest.id : undefined;
    const body = text(updateId ? REPLIES[health ?? Health.ON_TRACK] : CHAT, subject);
    await this.request(POST_COMMENT, { input: { projectId, updateId, body } });
    return `${key}  ${updateId ? 'reply' : 'chat'}: ${body}`;
  }

  async signOut(): Promise<void> {
    const { accessToken, refreshToken: token } = this.tokens ?? {};
    this.tokens = undefined;
    if (token) await this.send(LOGOUT, { token }, accessToken, AbortSignal.timeout(1_000)).catch(() => undefined);
  }

  private async request<T>(query: string, variables: object = {}): Promise<T> {
    try {
      const input = { email: this.email, password: DEMO_PASSWORD };
      this.tokens ??= (await this.send<{ login: Tokens }>(LOGIN, { input })).login;
      return await this.send<T>(query, variables, this.tokens.accessToken);
    } catch (error) {
      if ((error as Error).cause === 'UNAUTHENTICATED') await this.signOut();
      throw error;
    }
  }

  private async send<T>(query: string, variables: object, token?: string, signal = stopping.signal): Promise<T> {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify({ query, variables }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
    });
    const { data, errors } = (await response.json()) as { data: T; errors?: ReplyError[] };
    if (errors?.[0]) throw new Error(errors[0].message, { cause: errors[0].extensions?.code });
    return data;
  }
}

const actors = [PEOPLE.elias, PEOPLE.uma, PEOPLE.ada].map(({ email }) => new Actor(email));

async function run(mean = 4_000, posts = Infinity): Promise<void> {
  for (let posted = 0; posted < posts;) {
    const actor = pick(actors);
    const report = (what: string) =>
      process.stdout.write(`${new Date().toTimeString().slice(0, 8)}  ${actor.email.padEnd(18)}  ${what}\n`);
    try {
      report(await actor.post());
      posted += 1;
    } catch (error) {
      const { message, cause } = error as Error;
      if (cause === 'INVALID_CREDENTIALS') throw new Error(`${actor.email}: ${message}. Is DEMO on?`, { cause: error });
      report(`could not post: ${message}`);
    }
    // Irregular, as people are, but at most four times the mean.
    const pause = Math.max(MIN_PAUSE_MS, Math.min(-Math.log(1 - Math.random()), 4) * mean);
    if (posted < posts) await delay(pause, undefined, { signal: stopping.signal });
  }
}

onStopSignal(() => stopping.abort());
try {
  await run(every, count);
} catch (error) {
  if (!stopping.signal.aborted) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}
await Promise.all(actors.map((actor) => actor.signOut()));
process.exit();
