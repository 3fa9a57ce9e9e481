// One command, from its words to its exit code.
import { CommanderError } from 'commander';
import { describeFailure } from '../boot/start-failure.js';
import { ServiceError } from '../engine/errors/service-error.js';
import type { Domain } from '../engine/engine.module.js';
import { type Console, makeProgram, type Work } from './program.js';
import { UsageError } from './usage-error.js';

/** Runs the command that `words` name. Returns its exit code: 0 done, 1 not possible, 2 not understood. */
export async function runCommand(
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
  domain: () => Promise<Domain>,
  console: Console,
): Promise<number> {
  try {
    await makeProgram(() => load(environment, domain), console).parseAsync(words, { from: 'user' });
    return 0;
  } catch (error) {
    // Commander has said it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const shown = error instanceof UsageError || error instanceof ServiceError;
    console.errors.write(`${shown ? error.message : describeFailure(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

async function load(environment: NodeJS.ProcessEnv, domain: () => Promise<Domain>): Promise<Work> {
  const [{ AccountCommands }, { Installation }, { checked }] = await Promise.all([
    import('./account-commands.js'),
    import('./installation.js'),
    import('./account-input.js'),
  ]);
  return { commands: new AccountCommands(new Installation(await domain(), environment)), checked };
}
