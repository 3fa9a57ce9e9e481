// Turns the code-first schema into one that keeps its own rules: directives are added and applied, arguments checked,
// policies enforced around `resolve` and `subscribe`. Fields without rules stay as they are.
import {
  DirectiveLocation,
  type GraphQLEnumType,
  GraphQLDirective,
  type GraphQLField,
  type GraphQLFieldResolver,
  GraphQLNonNull,
  GraphQLObjectType,
  GraphQLSchema,
  OperationTypeNode,
  defaultFieldResolver,
  isEnumType,
} from 'graphql';
import type { OperationContext } from '../access/operation-context.js';
import { policiesOf, type Policy, type PolicyDirective, type PolicyRequest } from '../access/policy.js';
import { SharedContext } from '../access/shared-context.js';
import {
  BadUserInputError,
  ForbiddenError,
  NotFoundError,
  OtherAccountError,
  RateLimitedError,
} from '../errors/service-error.js';
import type { Attempt, FieldLimits } from './field-limits.port.js';
import { clearsCookies, countsAsWrite, inputSchemaOf, limitsOf } from './field-rules.js';
import { assertRules } from './schema-rules.js';

/** Problems of the arguments of a field that are named. */
const MAX_PROBLEMS = 20;

type Resolver = GraphQLFieldResolver<unknown, OperationContext, Record<string, unknown>>;
type Field = GraphQLField<unknown, OperationContext, Record<string, unknown>>;

/** What the documentation says of the root types: code-first, they have no place of their own. */
const ROOTS: Readonly<Record<OperationTypeNode, string>> = {
  query: 'What can be read, over HTTP and over a WebSocket.',
  mutation: 'What can be changed, over HTTP and over a WebSocket.',
  subscription: 'What can be followed as it happens, over a WebSocket.',
};

/** A root field that was refused: `reason` is the code, if it is not FORBIDDEN. */
export interface RefusedField {
  readonly operation: OperationTypeNode;
  readonly field: string;
  readonly reason?: 'RATE_LIMITED' | 'NOT_FOUND';
}

/** Told when a root field was refused, before the client is. */
export type OnRefusal = (refused: RefusedField, context: OperationContext) => Promise<void>;

/** Told when a field below the roots, such as `Project.budget`, was refused with FORBIDDEN. */
export type OnDenial = (field: string) => void;

type CatchUp = () => Promise<void>;

/** What the rules of a schema rely on at run time. */
export interface SchemaGuards {
  readonly limits?: FieldLimits;
  readonly onRefusal?: OnRefusal;
  readonly onDenial?: OnDenial;
  /** Learns what was committed by now, or throws SERVICE_UNAVAILABLE. What is refused is judged again after it. */
  readonly catchUp?: CatchUp;
}

/** The schema with all rules in force. Throws, naming the field, where a rule cannot be kept. */
export function guardSchema(schema: GraphQLSchema, guards: SchemaGuards = {}): GraphQLSchema {
  const { onRefusal, onDenial } = guards;
  for (const [operation, description] of Object.entries(ROOTS)) {
    const root = schema.getRootType(operation as OperationTypeNode);
    if (root) root.description ??= description;
  }
  assertRules(schema);
  const directives = new Map<string, PolicyDirective>();
  const operations = new Map(Object.values(OperationTypeNode).map((one) => [schema.getRootType(one)?.name, one]));
  for (const type of Object.values(schema.getTypeMap())) {
    if (!(type instanceof GraphQLObjectType) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const policies = policiesOf(field.extensions);
      for (const { directive } of policies) directives.set(directive.name, directive);
      const operation = operations.get(type.name);
      enforce(field, policies, operation, guards);
      if (clearsCookies(field.extensions)) clearCookies(field);
      if (operation && onRefusal) tellRefusals(field, operation, onRefusal);
      if (!operation && onDenial && policies.length > 0)
        tellDenials(field, () => onDenial(`${type.name}.${field.name}`));
      if (policies.length > 0) field.extensions = { ...field.extensions, directives: applied(policies) };
    }
  }
  const config = schema.toConfig();
  const declared = [...directives.values()].map((directive) => declare(schema, directive));
  return new GraphQLSchema({ ...config, directives: [...config.directives, ...declared] });
}

/** Wraps what the rules need, and leaves every other field as it is. */
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
      await admitNow(policies, { context, parent, args: taken }, isRoot, catchUp);
      if (isWrite && context.principal) limits?.write(context.principal.accountId);
      const takes = limits ? named.map((limit) => () => limits.take(limit, context, taken)) : [];
      const result = await attempted(takes, () => inner(parent, taken, context, info));
      // What a mutation returns is read anew: nothing loaded before the change may answer for it.
      if (isMutation) context.refresh();
      return result;
    };
  // Most guarded fields only ask for a role, of every object of a list: they are answered at once.
  const guardAtOnce =
    (inner: Resolver): Resolver =>
    (parent, args, context, info) => {
      const waiting = admitNow(policies, { context, parent, args }, isRoot, catchUp);
      return waiting ? waiting.then(() => inner(parent, args, context, info)) : inner(parent, args, context, info);
    };
  if (operation === OperationTypeNode.SUBSCRIPTION) field.subscribe = guard(field.subscribe ?? defaultFieldResolver);
  else
    field.resolve = (input || named.length > 0 || isMutation ? guard : guardAtOnce)(
      field.resolve ?? defaultFieldResolver,
    );
}

/** What `work` gives, having told every attempt how it ended: also those before one that is refused. */
async function attempted(takes: readonly (() => Promise<Attempt>)[], work: () => unknown): Promise<unknown> {
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
 * As `admit`, but what is refused is judged once more by the rights that are committed by now: another node may have told the
 * caller already that they are there, while this one was still to hear of it.
 */
function admitNow(
  policies: readonly Policy[],
  request: PolicyRequest,
  isRoot: boolean,
  catchUp: CatchUp | undefined,
): Promise<void> | undefined {
  const judgeAgain = async (refusal: unknown): Promise<void> => {
    if (!catchUp || !mayBeOutdated(refusal, request, isRoot)) throw refusal;
    await catchUp();
    // Read anew: remembering what is there, and not what is not, would tell the two apart.
    await admit(policies, { ...request, context: request.context.renewed() });
  };
  try {
    return admit(policies, request)?.catch(judgeAgain);
  } catch (refusal) {
    return judgeAgain(refusal);
  }
}

/** A parent that was read is visible: only rights that are behind can say that it is not. FORBIDDEN fields there are an everyday thing. */
function mayBeOutdated(refusal: unknown, { context }: PolicyRequest, isRoot: boolean): boolean {
  if (context instanceof SharedContext) return false;
  return refusal instanceof NotFoundError || (isRoot && refusal instanceof ForbiddenError);
}

/** All policies, in their order; throws what the first one that refuses throws. At once, if none has to look anything up. */
function admit(policies: readonly Policy[], request: PolicyRequest, from = 0): Promise<void> | undefined {
  const { context, parent } = request;
  for (let at = from; at < policies.length; at += 1) {
    const policy = policies[at]!;
    const checking = context instanceof SharedContext ? context.check(policy, parent) : policy.check(request);
    if (checking) return checking.then(() => admit(policies, request, at + 1));
  }
  return undefined;
}

/** An operation whose cookies no page of ours sent does not come as far as this: they stay, as do those of another account. */
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
      // Refused, maybe before it was known whose they are.
      const doubtful = context.inDoubt && error !== undefined;
      if (!doubtful && !(error instanceof OtherAccountError)) context.cookies.clear();
    }
  };
}

function tellRefusals(field: Field, operation: OperationTypeNode, onRefusal: OnRefusal): void {
  const telling =
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
  if (operation === OperationTypeNode.SUBSCRIPTION) field.subscribe = telling(field.subscribe ?? defaultFieldResolver);
  else field.resolve = telling(field.resolve ?? defaultFieldResolver);
}

/** What is answered at once stays so. */
function tellDenials(field: Field, tell: () => void): void {
  const inner: Resolver = field.resolve ?? defaultFieldResolver;
  const failed = (error: unknown): never => {
    if (error instanceof ForbiddenError) tell();
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

/** In the form that the schema's printer reads. */
function applied(policies: readonly Policy[]): Record<string, Readonly<Record<string, string>>[]> {
  return Object.fromEntries(policies.map(({ directive, args }) => [directive.name, [args]]));
}

function declare(schema: GraphQLSchema, { name, description, args }: PolicyDirective): GraphQLDirective {
  const argument = ([argumentName, typeName]: [string, string]) => [argumentName, { type: enumType(schema, typeName) }];
  return new GraphQLDirective({
    name,
    description,
    locations: [DirectiveLocation.FIELD_DEFINITION],
    args: Object.fromEntries(Object.entries(args).map(argument)) as Record<
      string,
      { type: GraphQLNonNull<GraphQLEnumType> }
    >,
  });
}

function enumType(schema: GraphQLSchema, name: string): GraphQLNonNull<GraphQLEnumType> {
  const type = schema.getType(name);
  if (!isEnumType(type)) throw new Error(`A policy's directive needs the enum ${name}, which the schema does not have`);
  return new GraphQLNonNull(type);
}
