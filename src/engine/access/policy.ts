// A policy is a rule on a schema field: a decorator where the field is, a directive in the printed schema, a check at
// run time. Several on one field must all hold.
import { Extensions } from '@nestjs/graphql';
import type { ServiceError } from '../errors/service-error.js';
import type { OperationContext } from './operation-context.js';
import type { AccountRights } from './role.js';

/** The directive that a policy is printed as. */
export interface PolicyDirective {
  readonly name: string;
  readonly description: string;
  /** Arguments and the names of their enum types, all required. */
  readonly args: Readonly<Record<string, string>>;
}

/** What a check is told: the operation, the object that the field is on (roots: undefined) and the field's arguments. */
export interface PolicyRequest {
  readonly context: OperationContext;
  readonly parent: unknown;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A rule whose answer follows from an account's rights and one resource alone: who has the same answers shares a class. */
export interface ClassRule {
  /** Why not, or nothing. Pure; the same error object every time, for it is asked often. */
  readonly outcome: (rights: AccountRights, resourceId: string) => ServiceError | undefined;
}

/** How a policy is decided for a whole permission class. */
export interface ByClass {
  readonly rule: ClassRule;
  /** The resource that the field's parent belongs to. Absent: the rule is about the account, whatever the parent is. */
  readonly resourceOf?: ((parent: never) => string) | undefined;
}

export interface Policy {
  readonly directive: PolicyDirective;
  readonly args: Readonly<Record<string, string>>;
  /**
   * What it starts from: the field's parent, or arguments, each a path such as `['input', 'projectId']`. A schema in which
   * a field does not have that does not build. Absent: it needs neither.
   */
  readonly startsFrom?: 'parent' | readonly (readonly string[])[] | undefined;
  /** Absent: the answer depends on the viewer, so that documents with such a field are executed for each. */
  readonly byClass?: ByClass;
  /** Throws UnauthenticatedError, ForbiddenError or NotFoundError; returns nothing when the field may be resolved. */
  check(request: PolicyRequest): void | Promise<void>;
}

/** A policy that one viewer and a whole class are told the same by. */
export function classPolicy({ rule, resourceOf, ...printed }: Pick<Policy, 'directive' | 'args'> & ByClass): Policy {
  return {
    ...printed,
    startsFrom: resourceOf && 'parent',
    byClass: { rule, resourceOf },
    check: ({ context, parent }) => {
      const refused = rule.outcome(context.viewer.rights, resourceOf?.(parent as never) ?? '');
      if (refused) throw refused;
    },
  };
}

const POLICY_KEY = 'policy:';

/** Declares `policy` on a field or root method of a code-first type. */
export function Guarded(policy: Policy): MethodDecorator & PropertyDecorator {
  return Extensions({ [POLICY_KEY + policy.directive.name]: policy });
}

/** The policies that a field's `extensions` carry, in the order of their directives' names. */
export function policiesOf(extensions: Readonly<Record<string, unknown>> | undefined): readonly Policy[] {
  return Object.entries(extensions ?? {})
    .filter(([key]) => key.startsWith(POLICY_KEY))
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([, policy]) => policy as Policy);
}
