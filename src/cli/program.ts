// The commands, their arguments and their help.
import type { Writable } from 'node:stream';
import { Argument, Command, Option } from 'commander';
import { Role } from '../engine/access/role.js';
import type { AccountCommands } from './account-commands.js';
import type { checked } from './account-input.js';
import { askPassword, pipedPassword, type Terminal } from './password-input.js';

const EMAIL = 'e-mail address that the account signs in with';
const PASSWORD_STDIN = ['--password-stdin', 'read the password from standard input instead of asking for it'] as const;
const ABOUT = `
The database is that of DATABASE_URL; without it the embedded one in DATA_DIR, whether or not the service runs. Changes are
felt at once by everything that runs, and stand in the audit log as done by the system.

Exit codes: 0 done, 1 not possible, 2 not understood.`;

interface PasswordOptions {
  readonly passwordStdin?: true;
}

/** What a command needs beyond its words: loaded when it runs, so that help and a typing error are told at once. */
export interface Work {
  readonly commands: AccountCommands;
  readonly checked: typeof checked;
}

/** Where a command is typed: what is told goes to `output`, what is asked and refused to `errors`. */
export interface Console {
  readonly input: Terminal;
  readonly output: Writable;
  readonly errors: Writable;
}

/** The program. */
export function makeProgram(work: () => Promise<Work>, { input, output, errors }: Console): Command {
  const say = (sentence: string) => void output.write(`${sentence}\n`);
  const passwordFrom = ({ passwordStdin }: PasswordOptions): Promise<string> =>
    passwordStdin ? pipedPassword(input) : askPassword(input, errors);
  const program = new Command('tidings')
    .configureOutput({ writeOut: (text) => output.write(text), writeErr: (text) => errors.write(text) })
    .usage('<command>        (npm run tidings -- <command>)')
    .description('Administers an installation of Tidings.')
    .addHelpText('after', ABOUT)
    .exitOverride();
  const account = program.command('account').description('accounts: made, changed, kept out');
  account
    .command('create')
    .description('make an account; the first ADMIN of an installation is made this way')
    .requiredOption('--email <email>', EMAIL)
    .requiredOption('--name <name>', 'name that others see')
    .addOption(new Option('--role <role>', 'what it may do').choices(Object.values(Role)).default(Role.USER))
    .option(...PASSWORD_STDIN)
    .action(async (options: PasswordOptions & { email: string; name: string; role: Role }) => {
      const { checked, commands } = await work();
      const [email, name] = [checked('email', options.email), checked('name', options.name)];
      say(await commands.create(email, name, options.role, checked('password', await passwordFrom(options))));
    });
  account
    .command('role')
    .description('give an account another role; the last ADMIN stays')
    .argument('<email>', EMAIL)
    .addArgument(new Argument('<role>', 'the new role').choices(Object.values(Role)))
    .action(async (email: string, role: Role) => say(await (await work()).commands.role(email, role)));
  account
    .command('password')
    .description('give an account another password; its sessions end')
    .argument('<email>', EMAIL)
    .option(...PASSWORD_STDIN)
    .action(async (email: string, options: PasswordOptions) => {
      const { checked, commands } = await work();
      say(await commands.password(email, checked('password', await passwordFrom(options))));
    });
  account
    .command('disable')
    .description('keep an account out; its sessions end. The last ADMIN stays')
    .argument('<email>', EMAIL)
    .action(async (email: string) => say(await (await work()).commands.disabled(email, true)));
  account
    .command('enable')
    .description('let a disabled account sign in again')
    .argument('<email>', EMAIL)
    .action(async (email: string) => say(await (await work()).commands.disabled(email, false)));
  program
    .command('sessions')
    .description('sessions of accounts')
    .command('end')
    .description('end all sessions of an account, everywhere and at once')
    .argument('<email>', EMAIL)
    .action(async (email: string) => say(await (await work()).commands.endSessions(email)));
  return program;
}
