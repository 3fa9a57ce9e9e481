// Selects the operation of a document to run, and the account to run it as. Knows neither GraphiQL nor the client.
import {
  type DefinitionNode,
  type DocumentNode,
  type FieldNode,
  Kind,
  type OperationDefinitionNode,
  type OperationTypeNode,
  parse,
  separateOperations,
} from 'graphql';

export interface Operation {
  readonly type: OperationTypeNode;
  readonly fields: readonly FieldNode[];
  /** The document without other operations and unused fragments. Lines and columns of the rest are unchanged. */
  readonly query: string;
}

/** The operation with this name, or else the first one; undefined if there is none or the document is invalid. */
export function operationIn(query: string, name: string | null | undefined): Operation | undefined {
  let document: DocumentNode;
  try {
    document = parse(query);
  } catch {
    return undefined;
  }
  const operation = document.definitions.find(
    (definition): definition is OperationDefinitionNode =>
      definition.kind === Kind.OPERATION_DEFINITION && (!name || definition.name?.value === name),
  );
  if (!operation) return undefined;
  const { definitions } = separateOperations(document)[operation.name?.value ?? '']!;
  return {
    type: operation.operation,
    fields: operation.selectionSet.selections.filter((selection) => selection.kind === Kind.FIELD),
    query: only(query, definitions),
  };
}

/** Replaces other definitions by spaces, since errors name lines and columns. */
function only(query: string, definitions: readonly DefinitionNode[]): string {
  let kept = '';
  let at = 0;
  for (const { loc } of definitions) {
    const between = query.slice(at, loc!.start);
    kept += between.replace(/[^\n]/g, ' ').replace(/ {1,9999}\n/g, '\n') + query.slice(loc!.start, loc!.end);
    at = loc!.end;
  }
  return kept;
}

const signsIn = ({ name }: FieldNode): boolean => name.value === 'login' || name.value === 'register';

/** Whether a sign-in requests cookies. */
export const signsInByCookie = ({ type, fields, query }: Operation, variables: unknown): boolean =>
  type === 'mutation' && fields.some(signsIn) && /\bCOOKIE\b/.test(query + JSON.stringify(variables ?? {}));

/**
 * Whether a mutation passes tokens, or requests them in the reply, as programs do. It must be sent without the cookies of the page:
 * otherwise it could end their session or apply to it.
 */
export function isOfPrograms(operation: Operation, variables: unknown): boolean {
  const { type, fields } = operation;
  if (type !== 'mutation' || fields.length === 0) return false;
  if (fields.every(signsIn)) return !signsInByCookie(operation, variables);
  return fields.every(({ name, arguments: own = [] }) => /^(?:refresh|logout)$/.test(name.value) && own.length > 0);
}

const ENDING: ReadonlySet<string> = new Set(['logout', 'logoutEverywhere', 'revokeSession', 'changePassword']);

/** Whether the operation may end the session of the page. */
export const endsSession = ({ type, fields }: Operation): boolean =>
  type === 'mutation' && fields.some(({ name }) => ENDING.has(name.value));

/** Token of an `Authorization: Bearer …` header, case-insensitive. */
export function tokenIn(headers: Readonly<Record<string, unknown>> = {}): string | undefined {
  const [, value] = Object.entries(headers).find(([name]) => name.toLowerCase() === 'authorization') ?? [];
  return typeof value === 'string' ? value.replace(/^Bearer\s/i, '').trim() : undefined;
}
