// Problems of the variables of an operation: their paths and reasons, never their values. Accepts the same values as `coerceInputValue`
// of graphql-js, and describes the problems by types alone.
import {
  type GraphQLInputObjectType,
  type GraphQLInputType,
  type GraphQLLeafType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import type { FieldProblem } from '../../errors/service-error.js';

/** How many problems are named at once. */
const MAX_PROBLEMS = 20;
/** Characters of a name that a client made up. */
const MAX_NAME = 100;
/** Values of an enum that are named. */
const MAX_VALUES = 30;

const SCALARS: Readonly<Record<string, string>> = {
  Boolean: 'must be true or false',
  Float: 'must be a number',
  ID: 'must be a string or an integer',
  Int: 'must be an integer of 32 bits',
  String: 'must be a string',
};

/** The variables of `operation` that cannot be taken, by their path: `input.title`. */
export function variableProblems(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): readonly FieldProblem[] {
  const problems = new Problems();
  for (const { variable, type: typeNode, defaultValue } of operation.variableDefinitions ?? []) {
    const name = variable.name.value;
    const type = typeFromAST(schema, typeNode);
    if (!isInputType(type)) continue;
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value !== undefined) problems.within(name, () => problems.check(value, type));
    else if (isNonNullType(type) && !defaultValue) problems.within(name, () => problems.add('is required'));
  }
  return problems.found;
}

class Problems {
  readonly found: FieldProblem[] = [];
  private readonly path: (string | number)[] = [];

  add(message: string): void {
    if (!this.full) this.found.push({ path: this.path.join('.'), message });
  }

  within(key: string | number, check: () => void): void {
    this.path.push(key);
    check();
    this.path.pop();
  }

  check(value: unknown, type: GraphQLInputType): void {
    if (isNonNullType(type)) {
      if (value == null) this.add('must not be null');
      else this.check(value, type.ofType);
    } else if (value != null) {
      if (isListType(type)) this.checkList(value, type.ofType);
      else if (isInputObjectType(type)) this.checkObject(value, type);
      else if (!isTaken(value, type)) this.add(expected(type));
    }
  }

  /** A value that is no list is taken as a list of one. */
  private checkList(value: unknown, itemType: GraphQLInputType): void {
    if (!Array.isArray(value)) return this.check(value, itemType);
    for (const [index, item] of value.entries()) {
      if (this.full) return;
      this.within(index, () => this.check(item, itemType));
    }
  }

  private checkObject(value: unknown, type: GraphQLInputObjectType): void {
    if (typeof value !== 'object' || Array.isArray(value)) return this.add('must be an object');
    const fields = type.getFields();
    const given = value as Readonly<Record<string, unknown>>;
    for (const field of Object.values(fields)) {
      const part = given[field.name];
      if (part !== undefined) this.within(field.name, () => this.check(part, field.type));
      else if (isNonNullType(field.type) && field.defaultValue === undefined) {
        this.within(field.name, () => this.add('is required'));
      }
    }
    for (const name of Object.keys(given)) {
      if (this.full) return;
      if (!fields[name]) this.within(name.slice(0, MAX_NAME), () => this.add('is not known here'));
    }
    if (type.isOneOf) this.checkOneOf(given, fields);
  }

  private checkOneOf(given: Readonly<Record<string, unknown>>, fields: Readonly<Record<string, unknown>>): void {
    const names = Object.keys(fields).filter((name) => given[name] !== undefined);
    if (names.length !== 1 || given[names[0]!] === null) this.add('must have exactly one field, and a value in it');
  }

  private get full(): boolean {
    return this.found.length >= MAX_PROBLEMS;
  }
}

function isTaken(value: unknown, type: GraphQLLeafType): boolean {
  try {
    return type.parseValue(value) !== undefined;
  } catch {
    return false;
  }
}

function expected(type: GraphQLLeafType): string {
  if (!isEnumType(type)) return SCALARS[type.name] ?? `must be a value of the type ${type.name}`;
  const names = type.getValues().map(({ name }) => name);
  return names.length <= MAX_VALUES ? `must be one of ${names.join(', ')}` : `must be a value of the enum ${type.name}`;
}
