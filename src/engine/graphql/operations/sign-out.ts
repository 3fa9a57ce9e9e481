// Whether a document is a `logout`, found out before the gate: no limit of an account applies to it, and cookies are cleared even if it
// is refused.
import { Kind, type OperationDefinitionNode, parse } from 'graphql';
import { fragmentsOf, rootFieldsOf } from './root-fields.js';

const SIGN_OUT = 'logout';
/** Characters and tokens of a document that is looked at: it is parsed before anything is charged for that. */
const MAX_LENGTH = 1_000;
const MAX_TOKENS = 50;

/** `alone`: if it is valid, it does nothing but sign out. Never throws. */
export function signOutIn(document: string | undefined): 'alone' | 'among others' | undefined {
  if (document === undefined || document.length > MAX_LENGTH || !document.includes(SIGN_OUT)) return undefined;
  try {
    const parsed = parse(document, { maxTokens: MAX_TOKENS, noLocation: true });
    const [operation, ...others] = parsed.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    if (operation?.kind !== Kind.OPERATION_DEFINITION || others.length > 0) return undefined;
    if (isAlone(operation)) return 'alone';
    const fields = rootFieldsOf(operation, fragmentsOf(parsed));
    return fields.some(({ name }) => name.value === SIGN_OUT) ? 'among others' : undefined;
  } catch {
    return undefined;
  }
}

/** With a directive it could be skipped. */
function isAlone({ operation, directives = [], selectionSet }: OperationDefinitionNode): boolean {
  const [field, ...others] = selectionSet.selections;
  if (operation !== 'mutation' || field?.kind !== Kind.FIELD || field.name.value !== SIGN_OUT) return false;
  return others.length + directives.length + (field.directives?.length ?? 0) === 0;
}
