// The fields at the root of an operation, fragments included, for limits and for rules about root fields.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';

export type Fragments = (name: string) => FragmentDefinitionNode | null | undefined;

export function fragmentsOf(document: DocumentNode): Fragments {
  const byName = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) byName.set(definition.name.value, definition);
  }
  return (name) => byName.get(name);
}

/** All selections of a level, including its fragments, each fragment once, however often it is spread. Linear. */
export function selectionsOf(set: SelectionSetNode, fragments: Fragments): SelectionNode[] {
  const found: SelectionNode[] = [];
  const visited = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      found.push(selection);
      if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet);
      if (selection.kind !== Kind.FRAGMENT_SPREAD || visited.has(selection.name.value)) continue;
      visited.add(selection.name.value);
      const fragment = fragments(selection.name.value);
      if (fragment) collect(fragment.selectionSet);
    }
  };
  collect(set);
  return found;
}

/** The root fields of an operation by their response name: one of each is executed. */
export function rootFieldsOf({ selectionSet }: OperationDefinitionNode, fragments: Fragments): FieldNode[] {
  const byResponseName = new Map<string, FieldNode>();
  for (const selection of selectionsOf(selectionSet, fragments)) {
    if (selection.kind !== Kind.FIELD) continue;
    const responseName = (selection.alias ?? selection.name).value;
    if (!byResponseName.has(responseName)) byResponseName.set(responseName, selection);
  }
  return [...byResponseName.values()];
}

/** Whether a fragment spreads itself, directly or through others. Linear. */
export function hasFragmentCycle({ definitions }: DocumentNode): boolean {
  const spreads = new Map<string, readonly string[]>();
  for (const definition of definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) spreads.set(definition.name.value, spreadsIn(definition));
  }
  const state = new Map<string, 'entered' | 'left'>();
  const cyclic = (name: string): boolean => {
    if (state.has(name)) return state.get(name) === 'entered';
    state.set(name, 'entered');
    const found = spreads.get(name)?.some(cyclic) ?? false;
    state.set(name, 'left');
    return found;
  };
  return [...spreads.keys()].some(cyclic);
}

function spreadsIn(fragment: FragmentDefinitionNode): readonly string[] {
  const names = new Set<string>();
  visit(fragment, { FragmentSpread: ({ name }) => void names.add(name.value) });
  return [...names];
}
