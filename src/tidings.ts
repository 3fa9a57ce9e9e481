// The command line's `npm run tidings -- <command>`: administration, by whoever has the machine.
import { runCommand } from './cli/command-line.js';
import { readEnvironment } from './engine/config/config.js';

const { argv, stdin: input, stdout: output, stderr: errors } = process;
const domain = async () => (await import('./domain-parts.js')).domainParts;
process.exitCode = await runCommand(argv.slice(2), readEnvironment(), domain, { input, output, errors });
process.exit();
