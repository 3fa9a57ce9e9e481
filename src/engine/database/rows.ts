// Rows of statements of our own as plain objects of an entity's form, for what nearly every request or event reads: by way of the
// ORM's `find` it costs four times the CPU. They are for reading; the ORM does not know of them.
import type { EntityMetadata, EntityName } from '@mikro-orm/core';
import type { EntityManager } from '@mikro-orm/postgresql';

/** A row as the driver gives it: by column, points in time as text. */
export type Row = Readonly<Record<string, unknown>>;

interface Column {
  readonly name: string;
  readonly property: string;
  readonly read: (value: unknown) => unknown;
}

const known = new WeakMap<EntityMetadata, readonly Column[]>();

/** `row`, which has the columns of `entity`'s table and may have more, as that entity. */
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
