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

/** Statements whose plans each connection keeps: more than there are forms of all statements. */
const MAX_NAMED = 200;
const names = new Map<string, string>();

/** The name under which connections keep `text`; undefined once there are too many to keep their plans. */
export function nameOf(text: string): string | undefined {
  const known = names.get(text);
  if (known !== undefined || names.size >= MAX_NAMED) return known;
  const name = createHash('sha256').update(text).digest('base64url');
  names.set(text, name);
  return name;
}
