// An example of examples/, started by its own command, as a user starts it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from './wait.js';

export interface RunningExample {
  /** What it has written so far, without colours. */
  readonly output: () => string;
  /** The first match of its output, waited for. */
  saying(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends SIGTERM, and waits until it and everything that it has started have ended. */
  end(): Promise<void>;
  /** Kills it and everything that it has started. */
  stop(): Promise<void>;
}

/** Runs `command` in `folder`. The client is built already: other tests use it at this very moment. */
export function startExample(
  folder: string,
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): RunningExample {
  const [program, ...parameters] = command;
  const child = spawn(program, parameters, {
    cwd: folder,
    env: { ...process.env, npm_config_ignore_scripts: 'true', NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const closed = once(child, 'close');
  let written = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      written += chunk.toString();
    });
  const signal = async (name: NodeJS.Signals): Promise<void> => {
    try {
      process.kill(-child.pid!, name);
    } catch {
      // It has ended.
    }
    await closed;
  };
  return {
    output: () => written,
    async saying(pattern) {
      await until(() => pattern.test(written), `it had said ${pattern.source}: ${written}`);
      return pattern.exec(written)!;
    },
    end: () => signal('SIGTERM'),
    stop: () => signal('SIGKILL'),
  };
}
