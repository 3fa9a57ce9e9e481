// The subscribers of a fault test, and the events that each may see.
import { setTimeout as pause } from 'node:timers/promises';
import type { Dice } from './fault-dice.js';
import { FaultSubscriber, INTERNAL_NOTES, type Watching } from './fault-subscriber.js';
import type { Team } from './fault-team.js';
import type { Traffic } from './fault-traffic.js';
import type { Entitlement } from './fault-verdict.js';

const TITLES = 'update { title }';
/** About 400 KB per event: a few seconds of events exceed the socket buffers of the operating system. */
const HEAVY = `update { title ${Array.from({ length: 40 }, (_, n) => `b${n}: body`).join(' ')} }`;

/** `count.all` subscribers, with the kinds assigned round-robin; the last `count.slow` are slow readers. */
export class Audience {
  readonly all: readonly FaultSubscriber[];
  readonly slow: readonly FaultSubscriber[];

  constructor(
    private readonly team: Team,
    count: { readonly all: number; readonly slow: number },
    from: string,
    urls: readonly string[],
    dice: Dice,
  ) {
    const { admin, writers, viewer, promoted, guest, projects } = team;
    const [first, second] = projects;
    const kinds: Readonly<Record<string, Watching>> = {
      'a viewer of one project': { who: viewer, projectId: first, selection: TITLES },
      'a viewer of all': { who: viewer, selection: TITLES },
      'an editor': { who: writers[1], projectId: second, selection: INTERNAL_NOTES },
      'an admin': { who: admin, selection: INTERNAL_NOTES },
      'a writer who knows what it did': {
        who: writers[0],
        projectId: first,
        includeOwn: false,
        selection: INTERNAL_NOTES,
      },
      'a viewer who asks too much': { who: viewer, projectId: second, selection: INTERNAL_NOTES },
      'an editor now and then': { who: promoted, projectId: first, selection: INTERNAL_NOTES },
      'a guest of one project': { who: guest, projectId: first, selection: TITLES, comesAndGoes: true },
      'a guest of all': { who: guest, selection: TITLES },
    };
    const slowReader: Watching = { who: viewer, selection: HEAVY };
    const names = Object.keys(kinds);
    const made = Array.from({ length: count.all }, (_, n) => {
      const isSlow = n >= count.all - count.slow;
      const kind = names[n % names.length]!;
      const watching = isSlow ? slowReader : { ...kinds[kind]!, impatient: dice.next() < 0.5 };
      const name = `${isSlow ? 'a slow reader' : kind} (${n + 1})`;
      return { isSlow, subscriber: new FaultSubscriber(name, watching, from, urls, dice) };
    });
    this.all = made.map(({ subscriber }) => subscriber);
    this.slow = made.filter(({ isSlow }) => isSlow).map(({ subscriber }) => subscriber);
  }

  /** Starts most subscribers immediately and some at a random time within `ms`. */
  async arrive(dice: Dice, ms: number): Promise<void> {
    await Promise.all(
      this.all.map(async (subscriber) => {
        if (!this.slow.includes(subscriber) && dice.next() < 0.15) await pause(dice.between(0, ms));
        subscriber.start();
      }),
    );
  }

  /** Total number of events delivered. */
  get deliveries(): number {
    return this.all.reduce((sum, { arrivals }) => sum + arrivals.length, 0);
  }

  async leave(): Promise<void> {
    await Promise.all(this.all.map((subscriber) => subscriber.stop()));
  }

  /** The events after log position `after` that a subscriber must and may receive. */
  entitlement({ watching }: FaultSubscriber, after: number, traffic: Traffic): Entitlement {
    const { who, projectId, includeOwn = true } = watching;
    const { projects, viewer, guest, promoted } = this.team;
    return {
      after,
      projectIds: projectId ? [projectId] : projects,
      ...(includeOwn ? {} : { withoutSession: who.sessionId }),
      ...(who === guest
        ? {
            comesAndGoes: {
              projectId: projects[0],
              accountId: guest.id,
              away: traffic.guestAway,
              resumed: projectId !== undefined,
            },
          }
        : {}),
      ...(who === viewer || who === guest ? {} : { notes: { away: who === promoted ? traffic.promotedDown : [] } }),
    };
  }
}
