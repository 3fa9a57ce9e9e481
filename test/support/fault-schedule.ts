// A random schedule of faults, which can be printed before it runs. Faults of one kind do not overlap.
import { setTimeout as pause } from 'node:timers/promises';
import type { FaultCluster, FaultNode } from './fault-cluster.js';
import type { Dice } from './fault-dice.js';
import type { FaultSubscriber } from './fault-subscriber.js';

interface Scene {
  readonly cluster: FaultCluster;
  /** Subscribers that the schedule makes stop reading. */
  readonly slow: readonly FaultSubscriber[];
}

/** Causes a fault and ends it after `ms`. */
type Fault = (scene: Scene, node: FaultNode, ms: number) => Promise<void>;

const nodeFaults: Readonly<Record<string, Fault>> = {
  'kill -9 of a node': async (_scene, node, ms) => {
    await node.stop('SIGKILL');
    await pause(ms);
    await node.start();
  },
  'SIGTERM of a node': async (_scene, node, ms) => {
    const code = await node.stop('SIGTERM');
    if (code !== 0) throw new Error(`A node that was told to stop ended with ${code}:\n${node.output}`);
    await pause(ms);
    await node.start();
  },
  'SIGSTOP of a node': async (_scene, node, ms) => {
    node.signal('SIGSTOP');
    await pause(ms);
    node.signal('SIGCONT');
  },
};

const backendFaults: Readonly<Record<string, Fault>> = {
  'kill -9 of Redis': async ({ cluster }, _node, ms) => {
    await cluster.redis.kill9();
    await pause(ms);
    await cluster.redis.restart();
  },
  'black hole before Redis': async ({ cluster }, _node, ms) => {
    cluster.proxy.blackhole();
    await pause(ms);
    cluster.proxy.open();
  },
  'restart of PostgreSQL': ({ cluster }, _node, ms) => cluster.restartPostgres(ms),
};

const rareNodeFaults: typeof nodeFaults = {
  'kill -9 of both nodes': async ({ cluster: { nodes } }, _node, ms) => {
    await Promise.all(nodes.map((node) => node.stop('SIGKILL')));
    await pause(ms);
    await Promise.all(nodes.map((node) => node.start()));
  },
};

const rareBackendFaults: typeof backendFaults = {
  'kill -9 of PostgreSQL': ({ cluster }, _node, ms) => cluster.restartPostgres(ms, true),
  'SIGSTOP of Redis': async ({ cluster }, _node, ms) => {
    cluster.redis.pause();
    await pause(ms);
    cluster.redis.resume();
  },
};

const readerFaults: Readonly<Record<string, Fault>> = {
  'slow readers stop reading': async ({ slow }, _node, ms) => {
    await Promise.all(slow.map((subscriber) => subscriber.stall(ms)));
  },
};

interface Step {
  readonly name: string;
  readonly fault: Fault;
  readonly node: 0 | 1;
  /** `after`: delay before the fault. `ms`: its duration. Both in ms. */
  readonly after: number;
  readonly ms: number;
}

export interface Extent {
  /** Number of times that each fault occurs. */
  readonly rounds: number;
  /** Whether to include the rare faults. */
  readonly rare: boolean;
  /** Maximum duration of a fault in ms; twice that for SIGSTOP of an instance, four times for readers that stop. */
  readonly longestMs: number;
}

/** Three concurrent tracks: faults of instances, of backends and of readers. Each track runs one fault at a time. */
export class Schedule {
  private readonly tracks: readonly (readonly Step[])[];
  private readonly times = new Map<Step, readonly [number, number]>();

  constructor(dice: Dice, { rounds, rare, longestMs }: Extent) {
    const kinds = [
      { ...nodeFaults, ...(rare ? rareNodeFaults : {}) },
      { ...backendFaults, ...(rare ? rareBackendFaults : {}) },
      readerFaults,
    ];
    this.tracks = kinds.map((faults) =>
      Array.from({ length: rounds }, () => dice.shuffled(Object.entries(faults)))
        .flat()
        .map(([name, fault]): Step => {
          const longest = longestMs * (name.startsWith('slow') ? 4 : name === 'SIGSTOP of a node' ? 2 : 1);
          const node = dice.next() < 0.5 ? 0 : 1;
          return { name, fault, node, after: dice.between(200, longestMs), ms: dice.between(longest / 2, longest) };
        }),
    );
  }

  /** The planned faults, one line per track. */
  get plan(): string {
    return this.lines(({ name, node, after, ms }) => `after ${seconds(after)} ${named(name, node)} for ${seconds(ms)}`);
  }

  /** The actual times of the faults, in seconds since the start: they include the restart of an instance. */
  get history(): string {
    return this.lines((step) => `${named(step.name, step.node)} ${this.times.get(step)?.map(seconds).join(' to ')}`);
  }

  /** Resolves when every fault has occurred and ended. */
  async run(scene: Scene): Promise<void> {
    const began = Date.now();
    const play = async (steps: readonly Step[]): Promise<void> => {
      for (const step of steps) {
        await pause(step.after);
        const from = Date.now() - began;
        await step.fault(scene, scene.cluster.nodes[step.node]!, step.ms);
        this.times.set(step, [from, Date.now() - began]);
      }
    };
    await Promise.all(this.tracks.map(play));
  }

  private lines(words: (step: Step) => string): string {
    return this.tracks.map((steps) => `  ${steps.map(words).join(', ')}`).join('\n');
  }
}

function named(name: string, node: number): string {
  return name.replace('a node', `node ${node + 1}`);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
