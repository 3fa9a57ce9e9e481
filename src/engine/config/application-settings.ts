// The variables that the application reads beside those of the engine.
import type { z } from 'zod';
import type { Problem } from './config-error.js';
import type { Settings } from './config.schema.js';

/** What the engine needs of the application's settings. */
export interface ApplicationValues {
  /** Whether the schema answers introspection. */
  readonly introspection: boolean;
}

/** The settings of the engine on which defaults and rules of the application may depend. */
export interface EngineValues {
  readonly production: boolean;
  readonly embedded: boolean;
  readonly host: string;
}

export interface ApplicationSettings<Values extends ApplicationValues = ApplicationValues> {
  /** The types of its variables, by name. */
  readonly variables: Readonly<Record<string, z.ZodType>>;
  /** Rules between variables. Variables that could not be read are missing. */
  problems(read: Partial<Settings>): readonly Problem[];
  /** Warnings about settings that are probably unintended. `read` has no problems. */
  warnings(read: Settings, engine: EngineValues): readonly string[];
  /** Completes the variables that were read. */
  values(read: Settings, engine: EngineValues): Values;
  /** The effective settings as `config:check` prints them, by variable. */
  report(values: Values): Readonly<Record<string, string>>;
}
