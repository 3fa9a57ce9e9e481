// The rules of one field at run time, as wrappers around `resolve` or `subscribe`: arguments, policies, limits, cookies, and reports of
// refusals. A field without rules stays as it is.
import { type GraphQLField, type GraphQLFieldResolver, OperationTypeNode, defaultFieldResolver } from 'graphql';
import type { OperationContext } from '../../access/operation-context.js';
import { policiesOf, type Policy, type PolicyRequest } from '../../access/policy.js';
import { SharedContext } from '../../access/shared-context.js';
import {
  BadUserInputError,
  ForbiddenError,
  NotFoundError,
  OtherAccountError,
  RateLimitedError,
} from '../../errors/service-error.js';
import type { Attempt, FieldLimits } from './field-limits.port.js';
import { clearsCookies, countsAsWrite, inputSchemaOf, limitsOf } from './field-rules.js';

/** Problems that an error lists for the arguments of a field, at most. */
const MAX_PROBLEMS = 20;

type Resolver = GraphQLFieldResolver<unknown, OperationContext, Record<string, unknown>>;
type Field = GraphQLField<unknown, OperationContext, Record<string, unknown>>;

/** A root field that was refused: `reason` is the code, if it is not FORBIDDEN. */
export interface RefusedField {
  readonly operation: OperationTypeNode;
  readonly field: string;
  readonly reason?: 'RATE_LIMITED' | 'NOT_FOUND';
}

/** Called when a root field was refused, before the client receives the refusal. */
export type OnRefusal = (refused: RefusedField, context: OperationContext) => Promise<void>;

/** Called when a field below the roots, such as `Session.address`, was refused with FORBIDDEN. */
export type OnDenial = (field: string) => void;

type CatchUp = () => Promise<void>;

/** The services that guards use at run time. */
export interface SchemaGuards {
  readonly limits?: FieldLimits;
  readonly onRefusal?: OnRefusal;
  readonly onDenial?: OnDenial;
  /** Catches up with all committed changes, or throws SERVICE_UNAVAILABLE. A refusal is checked again after it. */
  readonly catchUp?: CatchUp;
}

/** The type that a field belongs to; `operation`: which root type it is, if it is one. */
interface Owner {
  readonly type: string;
  readonly operation: OperationTypeNode | undefined;
}

/** Wraps `resolve` or `subscribe` of the field as its rules require. */
export function guardField(field: Field, { type, operation }: Owner, guards: SchemaGuards): void {
  const { onRefusal, onDenial } = guards;
  const policies = policiesOf(field.extensions);
  enforce(field, policies, operation, guards);
  if (clearsCookies(field.extensions)) clearCookies(field);
  if (operation && onRefusal) reportRefusals(field, operation, onRefusal);
  if (!operation && onDenial && policies.length > 0) reportDenials(field, () => onDenial(`${type}.${field.name}`));
}

/** Checks arguments, policies and limits before the field is resolved or subscribed to. */
function enforce(
  field: Field,
  policies: readonly Policy[],
  operation: OperationTypeNode | undefined,
  { limits, catchUp }: SchemaGuards,
): void {
  const isMutation = operation === OperationTypeNode.MUTATION;
  const input = inputSchemaOf(field.extensions);
  const named = limitsOf(field.extensions);
  const isWrite = isMutation && countsAsWrite(field.extensions);
  if (policies.length === 0 && !input && named.length === 0) return;
  const isRoot = operation !== undefined;
  const guard =
    (inner: Resolver): Resolver =>
    async (parent, args, context, info) => {
      const taken = input ? parseInput(input.safeParse(args)) : args;
      await admitUpToDate(policies, { context, parent, args: taken }, isRoot, catchUp);
      if (isWrite && context.principal) limits?.write(context.principal.accountId);
      const takes = limits ? named.map((limit) => () => limits.take(limit, context, taken)) : [];
      const result = await countAttempts(takes, () => inner(parent, taken, context, info));
      // A mutation returns objects that are read after the change, not ones that were loaded before it.
      if (isMutation) context.discardReads();
      return result;
    };
  // Most guarded fields check a role alone, once for each object of a list: they resolve without a promise.
  const guardSynchronously =
    (inner: Resolver): Resolver =>
    (parent, args, context, info) => {
      const waiting = admitUpToDate(policies, { context, parent, args }, isRoot, catchUp);
      return waiting ? waiting.then(() => inner(parent, args, context, info)) : inner(parent, args, context, info);
    };
  if (operation === OperationTypeNode.SUBSCRIPTION) field.subscribe = guard(field.subscribe ?? defaultFieldResolver);
  else
    field.resolve = (input || named.length > 0 || isMutation ? guard : guardSynchronously)(
      field.resolve ?? defaultFieldResolver,
    );
}

/** The result of `work`. Reports the outcome to every attempt, also to those counted before one that is refused. */
async function countAttempts(takes: readonly (() => Promise<Attempt>)[], work: () => unknown): Promise<unknown> {
  if (takes.length === 0) return work();
  const attempts: Attempt[] = [];
  try {
    for (const take of takes) attempts.push(await take());
    const result = await work();
    for (const attempt of attempts) await attempt.succeeded();
    return result;
  } catch (error) {
    for (const attempt of attempts) await attempt.failed(error);
    throw error;
  }
}

/**
 * Like `admit`, but checks a refusal once more under all rights that are committed: another instance may have confirmed them to the
 * caller before this one has read them from the log.
 */
function admitUpToDate(
  policies: readonly Policy[],
  request: PolicyRequest,
  isRoot: boolean,
  catchUp: CatchUp | undefined,
): Promise<void> | undefined {
  const checkAgain = async (refusal: unknown): Promise<void> => {
    if (!catchUp || !mayBeOutdated(refusal, request, isRoot)) throw refusal;
    await catchUp();
    // With fresh loaders: cached objects would make an invisible object cost fewer statements than an absent one.
    await admit(policies, { ...request, context: request.context.withNewReads() });
  };
  try {
    return admit(policies, request)?.catch(checkAgain);
  } catch (refusal) {
    return checkAgain(refusal);
  }
}

/** Below the roots NOT_FOUND is always checked again, since the parent was visible; FORBIDDEN is not, since it is common there. */
function mayBeOutdated(refusal: unknown, { context }: PolicyRequest, isRoot: boolean): boolean {
  if (context instanceof SharedContext) return false;
  return refusal instanceof NotFoundError || (isRoot && refusal instanceof ForbiddenError);
}

/** Checks all policies in order, and throws the first refusal. Returns no promise if no policy has to load anything. */
function admit(policies: readonly Policy[], request: PolicyRequest, from = 0): Promise<void> | undefined {
  const { context, parent } = request;
  for (let at = from; at < policies.length; at += 1) {
    const policy = policies[at]!;
    const checking = context instanceof SharedContext ? context.check(policy, parent) : policy.check(request);
    if (checking) return checking.then(() => admit(policies, request, at + 1));
  }
  return undefined;
}

/** Clears the cookies of the operation, unless they belong to another account. Cookies from foreign origins were refused before. */
function clearCookies(field: Field): void {
  const inner: Resolver = field.resolve ?? defaultFieldResolver;
  field.resolve = async (parent, args, context, info) => {
    let error: unknown;
    try {
      return await inner(parent, args, context, info);
    } catch (thrown) {
      error = thrown;
      throw thrown;
    } finally {
      // Refused, maybe before their account was known.
      const doubtful = context.cookiesUnverified && error !== undefined;
      // Without a principal the argument names the session, and the cookies belong to another one.
      const named = !context.principal && args['refreshToken'] != null;
      if (!doubtful && !named && !(error instanceof OtherAccountError)) context.cookies.clear();
    }
  };
}

function reportRefusals(field: Field, operation: OperationTypeNode, onRefusal: OnRefusal): void {
  const reporting =
    (inner: Resolver): Resolver =>
    async (parent, args, context, info) => {
      try {
        return await inner(parent, args, context, info);
      } catch (error) {
        const refused = { operation, field: field.name };
        if (error instanceof ForbiddenError) await onRefusal(refused, context);
        if (error instanceof RateLimitedError) await onRefusal({ ...refused, reason: 'RATE_LIMITED' }, context);
        if (error instanceof NotFoundError) await onRefusal({ ...refused, reason: 'NOT_FOUND' }, context);
        throw error;
      }
    };
  if (operation === OperationTypeNode.SUBSCRIPTION)
    field.subscribe = reporting(field.subscribe ?? defaultFieldResolver);
  else field.resolve = reporting(field.resolve ?? defaultFieldResolver);
}

/** Fields that resolve without a promise still do. */
function reportDenials(field: Field, report: () => void): void {
  const inner: Resolver = field.resolve ?? defaultFieldResolver;
  const failed = (error: unknown): never => {
    if (error instanceof ForbiddenError) report();
    throw error;
  };
  field.resolve = (parent, args, context, info) => {
    try {
      const result: unknown = inner(parent, args, context, info);
      return result instanceof Promise ? result.catch(failed) : result;
    } catch (error) {
      return failed(error);
    }
  };
}

interface ParsedInput {
  readonly success: boolean;
  readonly data?: unknown;
  readonly error?: { readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[] };
}

function parseInput(result: ParsedInput): Record<string, unknown> {
  if (result.success) return result.data as Record<string, unknown>;
  const issues = (result.error?.issues ?? []).slice(0, MAX_PROBLEMS);
  throw new BadUserInputError(issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })));
}
