// What is typed on the command line must have the shape that the API asks for.
import type { z } from 'zod';
import { registerArgs } from '../engine/sessions/session.input.js';
import { UsageError } from './usage-error.js';

const { name, email, password } = registerArgs.shape.input.shape;
const SHAPES = { name, email, password } satisfies Record<string, z.ZodType<string>>;

/** `value` as it is stored. Throws {@link UsageError}, which never repeats it. */
export function checked(what: keyof typeof SHAPES, value: string): string {
  const { success, data, error } = SHAPES[what].safeParse(value);
  if (success) return data;
  throw new UsageError(`The ${what} ${error.issues[0]?.message ?? 'is not valid'}.`);
}
