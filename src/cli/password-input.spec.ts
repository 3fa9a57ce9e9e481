// Passwords that are typed: never shown, asked for twice.
import { PassThrough } from 'node:stream';
import { askPassword, pipedPassword } from './password-input.js';

const terminal = () => Object.assign(new PassThrough(), { isTTY: true });

/** Answers each question as it is asked, and returns what the screen has shown. */
function answering(answers: readonly string[]) {
  const [input, output, left] = [terminal(), new PassThrough(), [...answers]];
  let shown = '';
  output.on('data', (chunk: Buffer) => {
    shown += chunk.toString();
    if (shown.endsWith(': ')) input.write(left.shift() ?? '');
  });
  return { input, output, shown: () => shown };
}

it('is what was typed twice, and is not echoed', async () => {
  const { input, output, shown } = answering(['correct horse\r', 'correct horse\r']);
  expect(await askPassword(input, output)).toBe('correct horse');
  expect(shown()).toBe('Password: \nOnce more: \n');
});

it('is refused if the two entries differ', async () => {
  const { input, output } = answering(['correct horse\r', 'correct house\r']);
  await expect(askPassword(input, output)).rejects.toThrow('The two differ.');
});

it('is cancelled by Ctrl-C', async () => {
  for (const key of ['\u0003', '\u0004']) {
    const { input, output } = answering([key]);
    await expect(askPassword(input, output)).rejects.toThrow('No password was given.');
  }
});

it('is not asked for without a terminal', async () => {
  await expect(askPassword(new PassThrough(), new PassThrough())).rejects.toThrow('--password-stdin');
});

it('may be piped in, with or without the end of its line', async () => {
  for (const text of ['a secret', 'a secret\n', 'a secret\r\n']) {
    const input = new PassThrough();
    input.end(text);
    expect(await pipedPassword(input)).toBe('a secret');
  }
});
