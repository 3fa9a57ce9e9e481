// How the selected fields of a subscription depend on the viewer of an event.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getDirectiveValues,
  getNamedType,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  isAbstractType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { type ClassValue, classValueOf } from '../../access/class-value.js';
import { type ClassRule, policiesOf } from '../../access/policy.js';
import { isSameResource, isViewerDependent } from '../../access/sharing.js';

export interface SelectionDependencies {
  /** The first field found that one viewer's answer would be wrong for another's; then the rules are not all. */
  readonly perViewer: string | undefined;
  /** Rules whose outcomes make up the class. */
  readonly rules: ReadonlySet<ClassRule>;
  /** Values that the class is shown. */
  readonly values: ReadonlySet<ClassValue>;
}

type Variables = Readonly<Record<string, unknown>>;
type FieldDefinition = ReturnType<GraphQLObjectType['getFields']>[string];

/** The needs of `operation`, whose root fields' policies are checked when it begins. `variables` are coerced. Pure. */
export function dependenciesOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
): SelectionDependencies {
  const root = schema.getSubscriptionType();
  if (operation.operation !== 'subscription' || !root)
    return { perViewer: 'It is no subscription', rules: new Set(), values: new Set() };
  return new SelectionWalk(schema, document, variables).from(root, operation.selectionSet);
}

/** One walk through the selection. For an abstract type, every possible type is walked. */
class SelectionWalk {
  private readonly rules = new Set<ClassRule>();
  private readonly values = new Set<ClassValue>();
  private perViewer: string | undefined;
  /** By selection, the types that it was walked for: fragments may be spread any number of times. */
  private readonly walked = new Map<SelectionSetNode, Set<string>>();
  private readonly fragments = new Map<string, FragmentDefinitionNode>();

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly variables: Variables,
  ) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION) this.fragments.set(definition.name.value, definition);
    }
  }

  from(root: GraphQLObjectType, selectionSet: SelectionSetNode): SelectionDependencies {
    this.select(root, selectionSet, 'root');
    return { perViewer: this.perViewer, rules: this.rules, values: this.values };
  }

  /** `at`: whether objects of `type` here are known to belong to the resource of the event. */
  private select(type: GraphQLObjectType, set: SelectionSetNode, at: 'root' | 'inside' | 'outside'): void {
    const types = this.walked.get(set) ?? new Set();
    this.walked.set(set, types);
    const place = `${type.name} ${at}`;
    if (types.has(place)) return;
    types.add(place);
    for (const selection of set.selections) {
      if (!this.includes(selection)) continue;
      if (selection.kind === Kind.FIELD) this.visitField(type, selection, at);
      else {
        const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : this.fragments.get(selection.name.value);
        if (fragment && this.applies(fragment.typeCondition?.name.value, type)) {
          this.select(type, fragment.selectionSet, at);
        }
      }
    }
  }

  private visitField(
    type: GraphQLObjectType,
    { name, selectionSet }: FieldNode,
    at: 'root' | 'inside' | 'outside',
  ): void {
    const field = type.getFields()[name.value];
    // `__typename` is in no type.
    if (!field) return;
    this.addDependencies(`${type.name}.${field.name}`, field, at);
    const inside = at !== 'outside' && isSameResource(field.extensions);
    const named = getNamedType(field.type);
    const possible = isAbstractType(named) ? this.schema.getPossibleTypes(named) : [named];
    for (const one of possible) {
      if (selectionSet && isObjectType(one)) this.select(one, selectionSet, inside ? 'inside' : 'outside');
    }
  }

  private addDependencies(name: string, { extensions }: FieldDefinition, at: 'root' | 'inside' | 'outside'): void {
    if (isViewerDependent(extensions)) this.perViewer ??= `${name} depends on the viewer`;
    const value = classValueOf(extensions);
    if (value && at === 'inside') this.values.add(value);
    else if (value) this.perViewer ??= `${name} may be about another resource than the event`;
    if (at === 'root') return;
    for (const { directive, byClass } of policiesOf(extensions)) {
      if (!byClass) this.perViewer ??= `${name}: @${directive.name} depends on the viewer`;
      else if (byClass.resourceOf && at === 'outside') {
        this.perViewer ??= `${name}: @${directive.name} may be about another resource than the event`;
      } else this.rules.add(byClass.rule);
    }
  }

  private includes(selection: SelectionNode): boolean {
    const skip = getDirectiveValues(GraphQLSkipDirective, selection, this.variables);
    const include = getDirectiveValues(GraphQLIncludeDirective, selection, this.variables);
    return skip?.['if'] !== true && include?.['if'] !== false;
  }

  private applies(condition: string | undefined, type: GraphQLObjectType): boolean {
    const wanted = condition === undefined ? type : this.schema.getType(condition);
    return wanted === type || (isAbstractType(wanted) && this.schema.isSubType(wanted, type));
  }
}
