// The command line's `npm run tidings -- <command>`: administration, by whoever has the machine.
import { CommanderError } from 'commander';
import { describeFailure } from './boot/start-failure.js';
import { AccountCommands } from './cli/account-commands.js';
import { Installation } from './cli/installation.js';
import { makeProgram } from './cli/program.js';
import { UsageError } from './cli/usage-error.js';
import { databaseContent } from './database-content.js';
import { projectRights } from './domain/projects/project-events.js';
import { ServiceError } from './engine/errors/service-error.js';

async function main(): Promise<number> {
  const installation = new Installation({ content: databaseContent, rights: projectRights });
  const program = makeProgram(new AccountCommands(installation), (sentence) => process.stdout.write(`${sentence}\n`));
  try {
    await program.parseAsync();
    return 0;
  } catch (error) {
    // Commander has said it already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const shown = error instanceof UsageError || error instanceof ServiceError;
    process.stderr.write(`${shown ? error.message : describeFailure(error)}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main();
process.exit();
