// A policy is a rule on a schema field: a decorator where the field is, a directive in the printed schema, a check at
// run time. Several on one field must all hold.
import { Extensions } from '@nestjs/graphql';
import type { OperationContext } from './operation-context.js';

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

export interface Policy {
  readonly directive: PolicyDirective;
  readonly args: Readonly<Record<string, string>>;
  /** Throws UnauthenticatedError, ForbiddenError or NotFoundError; returns nothing when the field may be resolved. */
  check(request: PolicyRequest): void | Promise<void>;
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
