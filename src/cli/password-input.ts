// A password from whoever types it, without echo, or from what is piped in. It is never an argument: others can read those.
import { createInterface } from 'node:readline/promises';
import { type Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { UsageError } from './usage-error.js';

export type Terminal = Readable & { readonly isTTY?: boolean };

/** The password, asked for twice on a terminal. Throws {@link UsageError} where there is none, or the two differ. */
export async function askPassword(input: Terminal, output: Writable): Promise<string> {
  if (!input.isTTY) throw new UsageError('There is no terminal to ask for the password: use --password-stdin.');
  const password = await askHidden('Password: ', input, output);
  if ((await askHidden('Once more: ', input, output)) !== password) throw new UsageError('The two differ.');
  return password;
}

/** What is piped in, without the line's end. */
export async function pipedPassword(input: Readable): Promise<string> {
  return (await text(input)).replace(/\r?\n$/, '');
}

async function askHidden(question: string, input: Terminal, output: Writable): Promise<string> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // As a terminal, readline takes over the echo from the system, and echoes into nowhere.
  const reader = createInterface({ input, output: nowhere, terminal: true });
  const { promise: left, reject } = Promise.withResolvers<never>();
  const leave = () => reject(new UsageError('No password was given.'));
  reader.once('SIGINT', () => reader.close());
  reader.once('close', leave);
  try {
    // Listens before it asks: an answer may be there at once.
    const answer = reader.question('').catch((): Promise<never> => {
      leave(); // Ctrl-D rejects the question before it closes the reader.
      return left;
    });
    output.write(question);
    return await Promise.race([answer, left]);
  } finally {
    reader.close();
    output.write('\n');
  }
}
