// Points in time, read and written as RFC 3339. JavaScript alone would take 30 February for 1 March, and read a time without an offset
// in the time zone of the machine.
import { type CustomScalar, Scalar } from '@nestjs/graphql';
import { Kind, type ValueNode } from 'graphql';

/** The date, its day, and a time with an offset, which may be absent: then it is midnight in UTC. */
const RFC_3339 = /^(\d{4}-\d\d-(\d\d))(?:[Tt ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d))?$/;

/** An invalid value becomes an invalid date, which input validation refuses with its path. */
@Scalar('DateTime', () => Date)
export class DateTimeScalar implements CustomScalar<string | null, Date> {
  readonly description =
    'A point in time as in RFC 3339, such as 2026-11-21T09:30:00Z; in answers in UTC, with milliseconds.';

  parseValue(value: unknown): Date {
    return dateOf(value);
  }

  parseLiteral(node: ValueNode): Date {
    return dateOf(node.kind === Kind.STRING ? node.value : undefined);
  }

  serialize(value: unknown): string | null {
    return value instanceof Date ? value.toISOString() : null;
  }
}

function dateOf(value: unknown): Date {
  const [text, date, day] = (typeof value === 'string' && RFC_3339.exec(value)) || [];
  const isOfCalendar = date !== undefined && new Date(date).getUTCDate() === Number(day);
  return new Date(isOfCalendar ? text!.toUpperCase().replace(' ', 'T') : Number.NaN);
}
