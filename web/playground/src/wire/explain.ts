// Explains one frame in sentences, from its contents and the roles of the account.
import type { Rights } from '../rights.js';
import { meaningOf } from './close-codes.js';
import { meaningOfError } from './errors.js';
import type { Frame } from './frames.js';

// oxlint-disable-next-line typescript/no-explicit-any -- JSON of any frame
type Json = any;

interface GraphqlError {
  readonly message?: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: { readonly code?: string; readonly requires?: string };
}

const timeOf = (at: string | null): string => (at ? new Date(at).toLocaleTimeString() : 'an unknown time');

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text);
  } catch {
    // The text was truncated, or is not JSON.
    return undefined;
  }
}

/** Role such as "VIEWER in RIDER"; undefined if the project is unknown. */
function roleIn(rights: Rights | undefined, project: Json): string | undefined {
  const own = rights?.projects.find(({ id, key }) => id === project?.id || key === project?.key);
  return own && `${own.viewerRole ?? 'without a role'} in ${own.key}`;
}

const accountRole = (rights: Rights | undefined): string =>
  rights ? `the account is ${rights.role}` : 'nobody is signed in';

/** The innermost project on a path. */
function projectAt(data: Json, path: readonly (string | number)[] = []): Json {
  let at = data;
  let found: Json;
  for (const step of path) {
    at = at?.[step];
    if (at?.key !== undefined || at?.viewerRole !== undefined) found = at;
    if (at?.project) found = at.project;
  }
  return found;
}

function explainError(error: GraphqlError, data: Json, rights: Rights | undefined): string {
  const { code, requires } = error.extensions ?? {};
  const place = error.path?.length ? `${error.path.join('.')}: ` : '';
  const meaning = meaningOfError(code) ?? error.message ?? '';
  if (code !== 'FORBIDDEN') return `${place}${code ? `${code}. ` : ''}${meaning}`;
  const project = projectAt(data, error.path);
  const own = project?.viewerRole ? `${project.viewerRole} in ${project.key ?? project.name}` : roleIn(rights, project);
  const needs = requires ? ` It requires ${requires};` : '';
  return `${place}FORBIDDEN. ${meaning}${needs} ${own ? `you are ${own}.` : `${accountRole(rights)}.`}`;
}

function explainResult({ data, errors = [] }: Json, rights: Rights | undefined): string[] {
  const said = (errors as GraphqlError[]).map((error) => explainError(error, data, rights));
  const event = Object.values(data ?? {}).find((value: Json) => typeof value?.cursor === 'string') as Json;
  if (!event) return said;
  const about = event.project ?? (event.projectId && { id: event.projectId });
  const own = roleIn(rights, about);
  if (event.kind && own) said.push(`Delivered because you are ${own}.`);
  else if (event.kind && rights?.role === 'ADMIN') said.push('Delivered because an ADMIN sees every project.');
  if (typeof event.skipped === 'number' && event.skipped > 0)
    said.push(
      `${event.skipped} events were left out before it: the subscription asks for LATEST. Read the project again.`,
    );
  if ('accountRole' in event || ('role' in event && 'projectId' in event)) said.push(accessText(event, rights));
  said.push('To resume after this event, pass its cursor as after.');
  return said;
}

function accessText({ projectId, role }: Json, rights: Rights | undefined): string {
  if (!projectId) return 'The role of the account has changed: read everything again.';
  const project = rights?.projects.find(({ id }) => id === projectId)?.key ?? 'a project';
  return role
    ? `You are ${role} in ${project} from here on; its events are sent accordingly.`
    : 'This project is lost: no more of its events are sent.';
}

/** Explains which events a subscription will and will not receive. */
function explainSubscribe({ query = '', variables }: Json, rights: Rights | undefined): string[] {
  const said: string[] = [];
  const keys = (rights?.projects ?? []).filter(({ viewerRole }) => viewerRole).map(({ key }) => key);
  if (/\bprojectsUpdated\b/.test(query)) {
    if (rights?.role === 'ADMIN') said.push('An ADMIN gets the events of all projects.');
    else if (rights) said.push(`You get the events of ${keys.join(', ') || 'no project'}, and of no other project.`);
  }
  if (/\bincludeOwn\s{0,9}:\s{0,9}false\b/.test(query) || variables?.includeOwn === false)
    said.push('Events that this session causes are left out: includeOwn is false.');
  if (/\bLATEST\b/.test(query) || variables?.onLag === 'LATEST')
    said.push('While it lags, only the newest event of each project is sent: onLag is LATEST.');
  if (variables?.after) said.push('Resumes after the cursor in after: the events since then are sent first.');
  else if (/\bcursor\b/.test(query)) said.push('Begins now. With after, the events since that cursor are sent first.');
  return said;
}

function explainPong({ cursor, at, behind }: Json): string[] {
  if (cursor === undefined) return [];
  if (cursor === null) return ['A subscription is still being opened, or far behind: how far is not known.'];
  const rest = behind === 0 ? 'nothing is missing' : `${behind} events are still to come`;
  return [`Complete as of ${timeOf(at)}: all events of these subscriptions up to the cursor were sent; ${rest}.`];
}

/** Sentences about a frame, most important first; none if it needs no explanation. */
export function explain({ type, way, text, code }: Frame, rights: Rights | undefined): readonly string[] {
  const json = jsonOf(text);
  switch (type) {
    case 'connecting':
      return ['A socket is being opened. A cookie, if there is one, goes along with the request and says whose it is.'];
    case 'connection_init':
      return [
        json?.payload?.authorization
          ? 'Signed in by the access token of the Authorization header.'
          : 'Signed in by the cookie of this page; x-tidings-account says which account the page shows.',
      ];
    case 'connection_ack':
      return ['Accepted. retry: range of seconds to wait before a reconnection.'];
    case 'subscribe':
      return explainSubscribe(json?.payload ?? {}, rights);
    case 'next':
      return explainResult(json?.payload ?? {}, rights);
    case 'error':
      return (json?.payload ?? []).map((error: GraphqlError) => explainError(error, undefined, rights));
    case 'complete':
      return [
        way === 'out'
          ? 'Stopped by this page. The service has removed it.'
          : 'Ended by the service: no more results follow.',
      ];
    case 'pong':
      return explainPong(json?.payload ?? {});
    case 'close':
      return code === undefined ? [] : [meaningOf(code, json?.reason)];
    case 'response':
      return explainResult(json?.body ?? {}, rights).filter((sentence) => !sentence.startsWith('To resume'));
    default:
      return [];
  }
}

/** Summary of a frame for its row, in a few words. */
export function gist({ type, text, code, operation, took }: Frame): string {
  const json = jsonOf(text);
  const payload = json?.payload;
  switch (type) {
    case 'next': {
      const [name, value] = Object.entries(payload?.data ?? {})[0] ?? ['', undefined];
      const { kind, project } = (value ?? {}) as Json;
      const codes = (payload?.errors as GraphqlError[] | undefined)?.map(({ extensions }) => extensions?.code) ?? [];
      return [kind ? `${kind} ${project?.key ?? ''}`.trim() : (operation ?? name), ...new Set(codes)].join(' ');
    }
    case 'error':
      return (payload as GraphqlError[] | undefined)?.map(({ extensions }) => extensions?.code ?? '').join(' ') ?? '';
    case 'pong':
      return payload?.behind === undefined ? '' : `behind ${payload.behind ?? 'unknown'}`;
    case 'close':
      return `${code} ${json?.reason ?? ''}`.trim();
    case 'response': {
      const codes = (json?.body?.errors as GraphqlError[] | undefined)?.map(({ extensions }) => extensions?.code) ?? [];
      return [operation, code, took !== undefined && `${took} ms`, ...new Set(codes)].filter(Boolean).join(' ');
    }
    default:
      return operation ?? '';
  }
}
