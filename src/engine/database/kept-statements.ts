// Whether connections may keep prepared statements: only if each is one session of PostgreSQL. A pooler in transaction mode changes the
// session under its clients.
import { createHash } from 'node:crypto';
import type { Client } from 'pg';
import type { Parameters } from './startup-parameters.js';

/** Plans once, for all values: statements are written so that one plan serves them all. Set for connections that keep statements. */
const PLAN_ONCE: Parameters = { plan_cache_mode: 'force_generic_plan' };

/** The parameters of connections that keep statements. */
export function keepingStatements(parameters: Parameters): Parameters {
  return { ...parameters, ...PLAN_ONCE };
}

/** Whether a client of ours, see service-client.ts, keeps statements. */
export function keepsStatements(client: object): boolean {
  return 'keepsStatements' in client && client.keepsStatements === true;
}

/** Whether `parameters` are those of connections that keep statements. */
export function includesPlanOnce(parameters: Parameters): boolean {
  return Object.entries(PLAN_ONCE).every(([name, value]) => parameters[name] === value);
}

/** Whether PostgreSQL itself is at the other end: a pooler gives its clients another process id than that of the server's process. */
export function isDirect(client: Client, backendPid: number): boolean {
  return (client as Client & { readonly processID?: number | null }).processID === backendPid;
}

/** Statements whose plans each connection keeps, of some 100 KB: more than all statements in all their forms. */
export const MAX_NAMED = 300;
/** Names under which a statement is kept, one after the other, before it is kept no more. */
const MAX_NAMES = 4;

interface Kept {
  /** Undefined: it is kept no more. */
  readonly name: string | undefined;
  readonly number: number;
}

const kept = new Map<string, Kept>();

/** The name under which connections keep `text`; undefined once there are too many to keep their plans. */
export function nameOf(text: string): string | undefined {
  const known = kept.get(text);
  if (known !== undefined || kept.size >= MAX_NAMED) return known?.name;
  return keep(text, 1);
}

function keep(text: string, number: number): string | undefined {
  const name = number > MAX_NAMES ? undefined : createHash('sha256').update(`${number} ${text}`).digest('base64url');
  kept.set(text, { name, number });
  return name;
}

/**
 * SQLSTATEs of a statement that did not run because its session has lost it (DISCARD ALL), has one of that name from another client (both:
 * a pooler since a failover), or keeps it for results of another form (a column has changed its type since).
 */
export const NOT_KEPT: ReadonlySet<string> = new Set(['26000', '42P05', '0A000']);

/** Whether the statement that was to be kept as `name` did not run for that reason: from now on it has another name, or none. */
export function wasNotKept(error: object, text: string, name: string): boolean {
  if (!('code' in error) || !NOT_KEPT.has(String(error.code))) return false;
  const known = kept.get(text);
  // Several connections may find this out.
  if (known?.name === name) keep(text, known.number + 1);
  return true;
}
