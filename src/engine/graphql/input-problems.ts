// What is wrong with the values that came with an operation: where, and why, never what they were.
import {
  coerceInputValue,
  type GraphQLSchema,
  isInputType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import type { FieldProblem } from '../errors/service-error.js';

/** How many problems are named at once. */
const MAX_PROBLEMS = 20;
/** Characters of one message: names that a client made up may be in it, and are as long as it likes. */
const MAX_MESSAGE = 300;

/** Characters of a name that a client made up. */
const MAX_NAME = 100;

/** graphql-js on a field of an input object that is missing, or that there is none of. */
const FIELD = /^Field "([^"]*)" (?:(of required type)|is not defined)/;
const NOT_NULL = /^Expected non-nullable type .* not to be null\.$/;

/** Thrown from within graphql-js, which would visit all of a long list, and make an error for each of its values. */
class EnoughError extends Error {}

/** The variables of `operation` that cannot be taken, by their path: `input.title`. */
export function variableProblems(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): FieldProblem[] {
  const problems: FieldProblem[] = [];
  try {
    findProblems(schema, operation, variables, (path, message) => {
      problems.push({ path: path.map(String).join('.'), message });
      if (problems.length === MAX_PROBLEMS) throw new EnoughError();
    });
  } catch (error) {
    if (!(error instanceof EnoughError)) throw error;
  }
  return problems;
}

function findProblems(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
  add: (path: readonly PropertyKey[], message: string) => void,
): void {
  for (const { variable, type: typeNode, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode);
    if (!isInputType(type)) continue;
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value === undefined) {
      if (isNonNullType(type) && !defaultValue) add([name], 'is required');
    } else if (value === null) {
      if (isNonNullType(type)) add([name], 'must not be null');
    } else {
      coerceInputValue(value, type, (path, _value, { message }) => {
        const [, field, missing] = FIELD.exec(message) ?? [];
        if (field) add([name, ...path, field.slice(0, MAX_NAME)], missing ? 'is required' : 'is not known here');
        else add([name, ...path], NOT_NULL.test(message) ? 'must not be null' : withoutValue(message));
      });
    }
  }
}

/** A message of graphql-js about a value, without the value. */
export function withoutValue(message: string): string {
  return message
    .replace(/(cannot represent [^:]*):.*$/s, '$1.')
    .replace(/^Value .* does not exist in ("\w+" enum)\..*$/s, 'This value does not exist in $1.')
    .replace(/^(Expected value of type .*?), found .*$/s, '$1.')
    .replace(/^(Syntax Error: .*?found (?:Block)?String) ".*$/s, '$1.')
    .replace(/^(Expected type "[^"]*"\.).*$/s, '$1')
    .slice(0, MAX_MESSAGE);
}
