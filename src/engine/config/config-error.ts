// The one error of this folder: what is wrong, by the variable's name. It cannot carry a value, nor a cause that does.

/** One variable and what is wrong with it. `reason` never repeats the value or a part of it. */
export interface Problem {
  readonly variable: string;
  readonly reason: string;
}

/** Thrown with every problem of the environment at once, so that one deployment is enough to learn of all. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  /** `hints` are sentences about names that may explain a problem. */
  constructor(
    readonly problems: readonly Problem[],
    hints: readonly string[] = [],
  ) {
    const lines = [...problems.map(({ variable, reason }) => `${variable} ${reason}`), ...hints];
    super(['Configuration refused:', ...lines].join('\n  '));
  }
}
