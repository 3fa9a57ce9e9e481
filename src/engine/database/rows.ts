// Converts rows that functions of the database return as JSON to plain objects in the form of an entity. They are for reading and
// unknown to the ORM. What is only shown is read by reads.ts.
import type { EntityMetadata, EntityName } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

/** A row of the driver: by column, times as text. */
export type Row = Readonly<Record<string, unknown>>;

interface Column {
  readonly name: string;
  readonly property: string;
  readonly read: (value: unknown) => unknown;
}

const known = new WeakMap<EntityMetadata, readonly Column[]>();

/** `row`, with at least the columns of `entity`'s table, as that entity. */
export function fromRow<T extends object>(em: EntityManager, entity: EntityName<T>, row: Row): T {
  const result: Record<string, unknown> = {};
  for (const { name, property, read } of columnsOf(em, entity)) {
    const value = row[name];
    result[property] = value === null ? null : read(value);
  }
  return result as T;
}

function columnsOf<T extends object>(em: EntityManager, entity: EntityName<T>): readonly Column[] {
  const metadata = em.getMetadata(entity);
  let columns = known.get(metadata);
  if (!columns) {
    const platform = em.getPlatform();
    columns = metadata.props.flatMap(({ name: property, fieldNames, runtimeType, customType }): Column[] => {
      const [name] = fieldNames ?? [];
      if (name === undefined) return [];
      if (runtimeType === 'Date') return [{ name, property, read: (value) => platform.parseDate(value as string) }];
      return [{ name, property, read: (value) => (customType ? customType.convertToJSValue(value, platform) : value) }];
    });
    known.set(metadata, columns);
  }
  return columns;
}
