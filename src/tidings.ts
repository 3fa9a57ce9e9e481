// The command line's `npm run tidings -- <command>`: administration, by whoever has the machine.
import { CommanderError } from 'commander';
import { describeFailure } from './boot/start-failure.js';
import { makeProgram, type Work } from './cli/program.js';
import { UsageError } from './cli/usage-error.js';
import { ServiceError } from './engine/errors/service-error.js';

async function main(): Promise<number> {
  const program = makeProgram(work, (sentence) => process.stdout.write(`${sentence}\n`));
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

async function work(): Promise<Work> {
  const [
    { AccountCommands },
    { Installation },
    { checked },
    { databaseContent },
    { projectRights },
    { notificationsOfEvents },
  ] = await Promise.all([
    import('./cli/account-commands.js'),
    import('./cli/installation.js'),
    import('./cli/account-input.js'),
    import('./database-content.js'),
    import('./domain/projects/project-events.js'),
    import('./domain/notifications/notifications-of-events.js'),
  ]);
  const installation = new Installation({
    content: databaseContent,
    rights: projectRights,
    consequences: notificationsOfEvents,
  });
  return { commands: new AccountCommands(installation), checked };
}

process.exitCode = await main();
process.exit();
