// What is shown of a table: the columns that a statement names, in the form in which resolvers read them. Entities stay where something
// changes.
import type { EntitySchema, InferEntity } from '@mikro-orm/core';

/** The columns of a table that make a row of the form `R`. A column that is added later changes no statement. */
export interface Shown<R> {
  readonly table: string;
  /** SQL, such as `id, created_at as "createdAt"`. */
  readonly columns: string;
  /** Of the table under another name. */
  readonly of: (alias: string) => string;
  /** Only in types. */
  readonly row?: R;
}

export type RowOf<S extends Shown<unknown>> = NonNullable<S['row']>;

/** Rows of the table of `entity` with these properties. */
export function shown<S extends EntitySchema, K extends keyof InferEntity<S> & string>(
  entity: S,
  ...properties: readonly K[]
): Shown<Readonly<Pick<InferEntity<S>, K>>> {
  const list = (prefix: string) =>
    properties.map((property) => `${prefix}${columnOf(property)}${nameOf(property)}`).join(', ');
  return { table: entity.meta.tableName, columns: list(''), of: (alias) => list(`${alias}.`) };
}

/** The column of a property, such as `created_at` of `createdAt`. */
export function columnOf(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

const nameOf = (property: string) => (columnOf(property) === property ? '' : ` as "${property}"`);

/** A condition in SQL with `?`, and its parameters. */
export type Condition = readonly [sql: string, ...values: readonly unknown[]];

/** All of them as one. */
export function allOf(conditions: readonly Condition[]): Condition {
  const sql = conditions.map(([condition]) => condition).join(' and ');
  return [sql || 'true', ...conditions.flatMap(([, ...values]) => values)];
}
