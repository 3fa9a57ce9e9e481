// The cost of an operation, counted before it runs: fields, lists by their requested size, long texts by their maximum length,
// introspection by the size of its answer. A limit on it bounds the CPU and the bytes of one operation. Each fragment is counted once.
import {
  type FieldNode,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getNullableType,
  getVariableValues,
  type GraphQLCompositeType,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLSchema,
  GraphQLSkipDirective,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { policiesOf } from '../../access/policy.js';
import { QueryTooComplexError } from '../../errors/service-error.js';
import { DEFAULT_PAGE, MAX_PAGE } from '../pagination/connection.js';
import { countedAs, longestText } from '../schema/field-rules.js';
import { IntrospectionSize } from './introspection-size.js';
import type { Fragments } from './root-fields.js';

/** Characters that cost as much as a field. */
const TEXT_PER_FIELD = 400;
/** Characters of the error that stands for a guarded field, with its path. */
const DENIAL = 800;

type Variables = Readonly<Record<string, unknown>>;
type Field = GraphQLField<unknown, unknown>;

export interface OperationCost {
  readonly fields: number;
  /** Bytes that the schema's answers about itself have. */
  readonly introspectionBytes: number;
  /** Whether it is the same whatever the variables are. */
  readonly constant: boolean;
}

/** Counts over one schema. */
export class OperationCosts {
  private introspection: IntrospectionSize | undefined;

  constructor(readonly schema: GraphQLSchema) {}

  /** The cost of `operation`, which must be valid. Throws where it cannot be counted, or an argument is null that must not be. */
  of(operation: OperationDefinitionNode, fragments: Fragments, variables: Variables): OperationCost {
    const { schema } = this;
    const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], { ...variables });
    if (errors) throw errors[0]!;
    const count = new Count(schema, fragments, coerced, () => (this.introspection ??= new IntrospectionSize(schema)));
    const root = schema.getRootType(operation.operation);
    const fields = root ? count.below(operation.selectionSet, root) : 0;
    // Nested fragments can multiply without bound.
    if (!Number.isSafeInteger(fields)) {
      throw new QueryTooComplexError('This could resolve more fields than can be counted.');
    }
    const { introspectionBytes, constant } = count;
    return { fields, introspectionBytes, constant };
  }
}

class Count {
  introspectionBytes = 0;
  constant = true;
  private readonly byFragment = new Map<string, number>();

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly fragments: Fragments,
    private readonly variables: Variables,
    private readonly introspection: () => IntrospectionSize,
  ) {}

  /** For an abstract type, the cost of the most expensive of its possible types. */
  below({ selections }: SelectionSetNode, type: GraphQLCompositeType): number {
    const byType = new Map<string, number>();
    const add = (cost: number, on: GraphQLCompositeType): void => {
      for (const { name } of isAbstractType(on) ? this.schema.getPossibleTypes(on) : [on]) {
        byType.set(name, (byType.get(name) ?? 0) + cost);
      }
    };
    for (const selection of selections) {
      if (!this.includes(selection)) continue;
      if (selection.kind === Kind.FIELD) add(this.field(selection, type), type);
      else if (selection.kind === Kind.FRAGMENT_SPREAD) {
        const on = this.schema.getType(this.fragments(selection.name.value)?.typeCondition.name.value ?? '');
        if (isCompositeType(on)) add(this.fragment(selection.name.value, on), on);
      } else {
        const { typeCondition, selectionSet } = selection;
        const on = typeCondition ? this.schema.getType(typeCondition.name.value) : type;
        if (isCompositeType(on)) add(this.below(selectionSet, on), on);
      }
    }
    return Math.max(0, ...byType.values());
  }

  private fragment(name: string, on: GraphQLCompositeType): number {
    const known = this.byFragment.get(name) ?? this.below(this.fragments(name)!.selectionSet, on);
    this.byFragment.set(name, known);
    return known;
  }

  private field(node: FieldNode, parent: GraphQLCompositeType): number {
    const name = node.name.value;
    if (name === '__typename') return 1;
    if (name === '__schema' || name === '__type') return this.introspected(node);
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
    if (!field) return 0;
    const args = field.args.length > 0 ? getArgumentValues(field, node, this.variables) : {};
    if (node.arguments?.some(isVariableSize)) this.constant = false;
    const text = longestText(field.extensions) + (policiesOf(field.extensions).length > 0 ? DENIAL : 0);
    const type = getNamedType(field.type);
    const below = node.selectionSet && isCompositeType(type) ? this.below(node.selectionSet, type) : 0;
    return 1 + Math.floor(text / TEXT_PER_FIELD) + (below && sizeOf(field, parent, args) * below);
  }

  private introspected(node: FieldNode): number {
    if (node.arguments?.some(({ value }) => value.kind === Kind.VARIABLE)) this.constant = false;
    const { fields, bytes } = this.introspection().of(node, this.fragments, this.variables);
    this.introspectionBytes += bytes;
    return fields + Math.floor(bytes / TEXT_PER_FIELD);
  }

  private includes(selection: SelectionNode): boolean {
    if (!selection.directives || selection.directives.length === 0) return true;
    this.constant = false;
    const skip = getDirectiveValues(GraphQLSkipDirective, selection, this.variables);
    const include = getDirectiveValues(GraphQLIncludeDirective, selection, this.variables);
    return skip?.['if'] !== true && include?.['if'] !== false;
  }
}

function isVariableSize({ name, value }: NonNullable<FieldNode['arguments']>[number]): boolean {
  return (name.value === 'first' || name.value === 'last') && value.kind === Kind.VARIABLE;
}

/** The number of objects that the selection of the field is counted for. */
function sizeOf({ args: defined, type, extensions }: Field, parent: GraphQLCompositeType, args: Variables): number {
  if (defined.some(({ name }) => name === 'first')) {
    const size = Number(args['first'] ?? args['last'] ?? DEFAULT_PAGE);
    return Math.min(Math.max(size, 1), MAX_PAGE);
  }
  if (!isListType(getNullableType(type)) || !isCompositeType(getNamedType(type))) return 1;
  // The entries of a page are counted where the page is.
  if (parent.name.endsWith('Connection')) return 1;
  return countedAs(extensions) ?? DEFAULT_PAGE;
}
