// The command line's `npm run tidings -- <command>`: administration, by whoever has the machine.
import { constants } from 'node:os';
import { onStopSignal } from './boot/stop-signals.js';
import { runCommand } from './cli/command-line.js';
import { readEnvironment } from './engine/config/config.js';

// Left to the system, a signal would leave an embedded PostgreSQL behind that was started for this command.
onStopSignal((signal) => process.exit(128 + constants.signals[signal]));

const { argv, stdin: input, stdout: output, stderr: errors } = process;
const domain = async () => (await import('./domain-parts.js')).domainOf(false);
process.exitCode = await runCommand(argv.slice(2), readEnvironment(), domain, { input, output, errors });
process.exit();
