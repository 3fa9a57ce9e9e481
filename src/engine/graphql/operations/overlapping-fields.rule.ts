// Whether fields with the same response name can be merged (GraphQL specification, section 5.3.2), in linear time of the
// selection: fields are compared as sets, level by level, and not in pairs. The algorithm is Simon Adameit's, which Sangria uses.
import {
  type DocumentNode,
  type FieldNode,
  getNamedType,
  GraphQLError,
  type GraphQLNamedType,
  type GraphQLOutputType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  print,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
  type ValueNode,
} from 'graphql';
import { QueryTooComplexError } from '../../errors/service-error.js';
import { hasFragmentCycle } from './root-fields.js';

/** How often one response name may be selected in one place. */
const MAX_SAME = 500;
/** Fields that are compared in one document; only nested merged fragments exceed it. */
const MAX_VISITS = 20_000;

/** Replaces OverlappingFieldsCanBeMergedRule of graphql-js, which compares every two fields. */
export const overlappingFieldsRule: ValidationRule = (context) => ({
  Document: { leave: (document) => new Comparison(context).compare(document) },
});

type Parent = GraphQLNamedType | undefined;

interface Selected {
  readonly node: FieldNode;
  readonly parent: Parent;
  /** Undefined for fields that the parent does not define, `__typename` among them. */
  readonly type: GraphQLOutputType | undefined;
}

type Source = readonly [set: SelectionSetNode, parent: Parent];
/** By response name. */
type Level = ReadonlyMap<string, readonly Selected[]>;

class Comparison {
  /** Fields that were found alone once: the same again whatever leads to them. */
  private readonly alone = new Set<FieldNode>();
  private readonly fragmentsSeen = new Set<string>();
  private readonly written = new Map<FieldNode, string>();
  private visits = 0;

  constructor(private readonly context: ValidationContext) {}

  compare(document: DocumentNode): void {
    // Another rule refuses them.
    if (hasFragmentCycle(document)) return;
    const schema = this.context.getSchema();
    for (const definition of document.definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
      this.mergeable(this.collect([[definition.selectionSet, schema.getRootType(definition.operation) ?? undefined]]));
    }
    for (const definition of document.definitions) {
      if (definition.kind !== Kind.FRAGMENT_DEFINITION || this.fragmentsSeen.has(definition.name.value)) continue;
      this.mergeable(this.collect([[definition.selectionSet, schema.getType(definition.typeCondition.name.value)]]));
    }
  }

  /** Reports fields that may apply to the same object and differ, or that have different shapes. */
  private mergeable(level: Level): void {
    for (const [name, fields] of level) {
      const [first] = fields;
      if (fields.length === 1 && this.alone.has(first!.node)) continue;
      if (fields.length === 1) this.alone.add(first!.node);
      if (fields.length > MAX_SAME) {
        this.report(`"${name}" is selected ${fields.length} times in one place; ${MAX_SAME} are allowed.`, fields);
        continue;
      }
      const together = this.together(fields);
      const differs = together.some((group) => this.differ(name, group));
      if (differs || this.shapesDiffer(name, fields)) continue;
      for (const group of together) this.mergeable(this.below(group));
      if (together.length > 1) this.alike(this.below(fields));
    }
  }

  /** Reports fields of different shapes: they never apply to the same object. */
  private alike(level: Level): void {
    for (const [name, fields] of level) {
      if (fields.length > 1 && !this.shapesDiffer(name, fields)) this.alike(this.below(fields));
    }
  }

  /** Groups of fields that may apply to the same object. A parent that is no object type may be any of them. */
  private together(fields: readonly Selected[]): readonly (readonly Selected[])[] {
    const [first] = fields;
    if (fields.every(({ parent }) => parent === first!.parent)) return [fields];
    const byType = Map.groupBy(fields, ({ parent }) => (isObjectType(parent) ? parent : undefined));
    const anywhere = byType.get(undefined) ?? [];
    byType.delete(undefined);
    if (byType.size <= 1) return [fields];
    return [...byType.values()].map((group) => [...group, ...anywhere]);
  }

  private differ(name: string, fields: readonly Selected[]): boolean {
    const [first] = fields;
    const other = fields.find((field) => field !== first && this.call(field.node) !== this.call(first!.node));
    if (!other) return false;
    const [one, two] = [first!.node.name.value, other.node.name.value];
    const reason = one === two ? 'they have differing arguments' : `"${one}" and "${two}" are different fields`;
    this.reportConflict(name, reason, first!, other);
    return true;
  }

  private shapesDiffer(name: string, fields: readonly Selected[]): boolean {
    const first = fields.find(({ type }) => type);
    const other = fields.find(({ type }) => type && !sameShape(type, first!.type!));
    if (!first || !other) return false;
    const reason = `they return conflicting types "${String(first.type)}" and "${String(other.type)}"`;
    this.reportConflict(name, reason, first, other);
    return true;
  }

  /** The field and its arguments, in their order by name. */
  private call(node: FieldNode): string {
    if (!node.arguments || node.arguments.length === 0) return node.name.value;
    let text = this.written.get(node);
    if (text === undefined) {
      const args = node.arguments.map(({ name, value }) => `${name.value}:${canonical(value)}`);
      text = `${node.name.value}(${args.toSorted().join()})`;
      this.written.set(node, text);
    }
    return text;
  }

  private below(fields: readonly Selected[]): Level {
    return this.collect(
      fields.flatMap(({ node, type }): Source[] =>
        node.selectionSet ? [[node.selectionSet, type && getNamedType(type)]] : [],
      ),
    );
  }

  /** All fields of one level, each node once. */
  private collect(sources: readonly Source[]): Level {
    const level = new Map<string, Selected[]>();
    const spread = new Set<string>();
    const schema = this.context.getSchema();
    const add = (set: SelectionSetNode, parent: Parent): void => {
      for (const selection of set.selections) {
        if (selection.kind === Kind.FIELD) {
          this.visits += 1;
          if (this.visits > MAX_VISITS)
            throw new QueryTooComplexError('Its fragments select more than can be checked.');
          const name = (selection.alias ?? selection.name).value;
          const known = level.get(name);
          const field = { node: selection, parent, type: typeOf(parent, selection.name.value) };
          if (known) known.push(field);
          else level.set(name, [field]);
        } else if (selection.kind === Kind.INLINE_FRAGMENT) {
          const { typeCondition } = selection;
          add(selection.selectionSet, typeCondition ? schema.getType(typeCondition.name.value) : parent);
        } else if (!spread.has(selection.name.value)) {
          spread.add(selection.name.value);
          this.fragmentsSeen.add(selection.name.value);
          const fragment = this.context.getFragment(selection.name.value);
          if (fragment) add(fragment.selectionSet, schema.getType(fragment.typeCondition.name.value));
        }
      }
    };
    for (const source of sources) add(...source);
    return level;
  }

  private reportConflict(name: string, reason: string, one: Selected, other: Selected): void {
    const remedy = 'Use different aliases on the fields to fetch both if this was intentional.';
    this.report(`Fields "${name}" conflict because ${reason}. ${remedy}`, [one, other]);
  }

  private report(message: string, fields: readonly Selected[]): void {
    this.context.reportError(new GraphQLError(message, { nodes: fields.slice(0, 2).map(({ node }) => node) }));
  }
}

function typeOf(parent: Parent, name: string): GraphQLOutputType | undefined {
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name]?.type : undefined;
}

function sameShape(one: GraphQLOutputType, other: GraphQLOutputType): boolean {
  if (one === other) return true;
  if (isListType(one) || isListType(other))
    return isListType(one) && isListType(other) && sameShape(one.ofType, other.ofType);
  if (isNonNullType(one) || isNonNullType(other)) {
    return isNonNullType(one) && isNonNullType(other) && sameShape(one.ofType, other.ofType);
  }
  return !isLeafType(one) && !isLeafType(other);
}

/** Equal for equal values: fields of objects have no order. */
function canonical(value: ValueNode): string {
  if (value.kind === Kind.LIST) return `[${value.values.map(canonical).join()}]`;
  if (value.kind !== Kind.OBJECT) return print(value);
  return `{${value.fields
    .map((field) => `${field.name.value}:${canonical(field.value)}`)
    .toSorted()
    .join()}}`;
}
