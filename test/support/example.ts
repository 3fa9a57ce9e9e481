// Runs a project of examples/ with the command that its documentation gives.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from './wait.js';

export interface RunningExample {
  /** stdout and stderr so far, without colours. */
  readonly output: () => string;
  /** Waits until the output matches `pattern` and returns the first match. */
  saying(pattern: RegExp): Promise<RegExpExecArray>;
  /** Sends SIGTERM to the process group and waits until it has exited. */
  end(): Promise<void>;
  /** Sends SIGKILL to the process group and waits until it has exited. */
  stop(): Promise<void>;
}

/** Runs `command` in `folder`, without npm lifecycle scripts: a client rebuild would break concurrent tests. */
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
      // The process group has already exited.
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
