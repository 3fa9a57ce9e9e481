// Whether one execution of a subscription can serve many viewers, and which of them: found out from its document alone.
import {
  type DocumentNode,
  getOperationAST,
  getVariableValues,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import { type Classify, classifier } from '../access/permission-class.js';
import { type NormalOperation, normalOperation } from './operations/normal-operation.js';
import type { ParsedRequest } from './operations/operation-check.js';
import { needsOf } from './selected-needs.js';

export interface SharingPlan {
  /** Why it is executed for each viewer; `undefined`: one execution serves a whole permission class. */
  readonly perViewer: string | undefined;
  /** Equal for operations that show the same things to viewers of the same class. */
  readonly groupKey: string;
  /** The same without the variables. */
  readonly documentKey: string;
  /** What is executed for each event, shared or not: one operation, without what says which events are delivered. */
  readonly document: DocumentNode;
  /** Values of the variables that it uses, as they were sent. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** What one execution costs, in fields. */
  readonly cost: number;
  /** The class of a viewer with these rights, for an event of this resource. */
  readonly classOf: Classify;
}

/** What does not depend on the values of variables, other than of those that include or skip something. */
interface Analysis {
  readonly normal: NormalOperation;
  readonly operation: OperationDefinitionNode;
  /** Variables of `@include` and `@skip`. */
  readonly conditions: readonly string[];
  /** By the values of `conditions`. */
  readonly needs: Map<string, Pick<SharingPlan, 'perViewer' | 'classOf'>>;
}

/** Combinations of conditions that are kept of one operation; others are looked at anew. */
const MAX_KEPT = 64;
/** There is one schema, so an analysis holds as long as the document; by the names of its operations. */
const analyses = new WeakMap<DocumentNode, Map<string, Analysis>>();

/** The plan of an operation that may run: `request` must have passed `checkOperation`, which says what it costs. Pure. */
export function planOf(schema: GraphQLSchema, request: ParsedRequest, cost: number): SharingPlan {
  const { normal, operation, conditions, needs } = analysisOf(schema, request);
  const sent = request.variables ?? {};
  const { coerced, errors } = getVariableValues(schema, operation.variableDefinitions ?? [], { ...sent });
  if (errors) throw errors[0]!;
  const chosen = conditions.map((name) => (coerced[name] === true ? '1' : '0')).join('');
  let known = needs.get(chosen);
  if (!known) {
    const { perViewer, rules } = needsOf(schema, normal.document, operation, coerced);
    known = { perViewer, classOf: classifier(rules) };
    if (needs.size < MAX_KEPT) needs.set(chosen, known);
  }
  const hasVariables = normal.variables.size > 0;
  return {
    ...known,
    groupKey: hasVariables ? `${normal.key} ${JSON.stringify(coerced)}` : normal.key,
    documentKey: normal.key,
    document: normal.document,
    cost,
    variables: Object.fromEntries(Object.entries(sent).filter(([name]) => normal.variables.has(name))),
  };
}

function analysisOf(schema: GraphQLSchema, { document, operationName }: ParsedRequest): Analysis {
  const known = analyses.get(document) ?? new Map<string, Analysis>();
  analyses.set(document, known);
  const asked = getOperationAST(document, operationName);
  if (!asked) throw new TypeError('There is no such operation: check it first');
  const name = asked.name?.value ?? '';
  let analysis = known.get(name);
  if (!analysis) {
    const normal = normalOperation(schema, document, asked);
    const operation = getOperationAST(normal.document)!;
    analysis = { normal, operation, conditions: conditionsIn(normal.document), needs: new Map() };
    known.set(name, analysis);
  }
  return analysis;
}

function conditionsIn(document: DocumentNode): string[] {
  const found = new Set<string>();
  visit(document, {
    Directive: ({ name, arguments: args }) => {
      if (name.value !== 'include' && name.value !== 'skip') return;
      for (const { value } of args ?? []) if (value.kind === Kind.VARIABLE) found.add(value.name.value);
    },
  });
  return [...found];
}
