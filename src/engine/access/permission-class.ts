// Permission classes: viewers with the same outcome of every rule that a document needs get the same payload.
import type { ServiceError } from '../errors/service-error.js';
import type { ClassValue } from './class-value.js';
import type { ClassRule } from './policy.js';
import type { AccountRights } from './role.js';

export interface PermissionClass {
  /** Equal if and only if the outcomes are. */
  readonly key: string;
  /** Outcome of each rule for the class. A rule that is absent was not evaluated. */
  readonly outcomes: ReadonlyMap<ClassRule, ServiceError | undefined>;
  /** Class values of all members. */
  readonly values: ReadonlyMap<ClassValue, string | undefined>;
}

/** The class of an account with these rights, for one resource. Pure; the same object for the same class. */
export type Classify = (rights: AccountRights, resourceId: string) => PermissionClass;

/** Separates classes by the outcomes of `rules` and by `values`, each of them listed once. */
export function classifier(rules: ReadonlySet<ClassRule>, values: ReadonlySet<ClassValue> = new Set()): Classify {
  const classes = new Map<string, PermissionClass>();
  return (rights, resourceId) => {
    let key = '';
    for (const rule of rules) key += `${textOf(rule.outcome(rights, resourceId))}\n`;
    for (const value of values) key += `${value.of(rights, resourceId) ?? ''}\n`;
    let known = classes.get(key);
    if (!known) {
      known = {
        key,
        outcomes: new Map([...rules].map((rule) => [rule, rule.outcome(rights, resourceId)])),
        values: new Map([...values].map((value) => [value, value.of(rights, resourceId)])),
      };
      classes.set(key, known);
    }
    return known;
  };
}

const texts = new WeakMap<ServiceError, string>();

/** The client-visible content of `refused`, on one line. */
function textOf(refused: ServiceError | undefined): string {
  if (!refused) return '';
  let text = texts.get(refused);
  if (text === undefined) {
    text = JSON.stringify([refused.message, refused.extensions]);
    texts.set(refused, text);
  }
  return text;
}
