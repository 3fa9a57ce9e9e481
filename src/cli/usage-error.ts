// The command cannot be carried out as it was given.

/** Shown as it is; the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** There is nothing that the command could be carried out on. Shown as it is; the exit code is 1. */
export class NoInstallationError extends Error {
  override readonly name = 'NoInstallationError';
}
