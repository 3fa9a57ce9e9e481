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

/** Input of a check: the operation, the object of the field (undefined for root fields) and the field's arguments. */
export interface PolicyRequest {
  readonly context: OperationContext;
  readonly parent: unknown;
  readonly args: Readonly<Record<string, unknown>>;
}

/** A rule that depends only on an account's rights and one resource: accounts with equal outcomes share a class. */
export interface ClassRule {
  /** The error, or nothing. Pure; returns the same error object every time, since it is called often. */
  readonly outcome: (rights: AccountRights, resourceId: string) => ServiceError | undefined;
}

/** How a policy is decided for a whole permission class. */
export interface ByClass {
  readonly rule: ClassRule;
  /** The resource of the field's parent. Absent: the rule concerns the account only. */
  readonly resourceOf?: ((parent: never) => string) | undefined;
}

export interface Policy {
  readonly directive: PolicyDirective;
  readonly args: Readonly<Record<string, string>>;
  /**
   * What the policy needs: the field's parent, or arguments as paths such as `['input', 'id']`. The schema does not build if a field
   * lacks it. Absent: neither.
   */
  readonly startsFrom?: 'parent' | readonly (readonly string[])[] | undefined;
  /** Absent: the answer depends on the viewer, so documents with such a field are executed per viewer. */
  readonly byClass?: ByClass;
  /** Throws UnauthenticatedError, ForbiddenError or NotFoundError; returns nothing when the field may be resolved. */
  check(request: PolicyRequest): void | Promise<void>;
}

/** A policy decided by the same rule for one viewer and for a class. */
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

/** The policies in a field's `extensions`, sorted by directive name. */
export function policiesOf(extensions: Readonly<Record<string, unknown>> | undefined): readonly Policy[] {
  return Object.entries(extensions ?? {})
    .filter(([key]) => key.startsWith(POLICY_KEY))
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([, policy]) => policy as Policy);
}
