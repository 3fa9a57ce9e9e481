// The only error of this folder: names variables and reasons, never a value, nor a cause that contains one.

/** A variable and its problem. `reason` never contains the value or a part of it. */
export interface Problem {
  readonly variable: string;
  readonly reason: string;
}

/** Thrown with all problems of the environment at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  /** `hints` are warnings about names that may explain a problem. */
  constructor(
    readonly problems: readonly Problem[],
    hints: readonly string[] = [],
  ) {
    const lines = [...problems.map(({ variable, reason }) => `${variable} ${reason}`), ...hints];
    super(['Configuration refused:', ...lines].join('\n  '));
  }
}
