// The load of a fault test: posted updates, and roles and memberships that are revoked and restored.
import { setTimeout as pause } from 'node:timers/promises';
import { Dice } from './fault-dice.js';
import { noteOf } from './fault-subscriber.js';
import { REMOVE_MEMBER, SET_MEMBER, SET_ROLE, type Team, type Teammate } from './fault-team.js';

/** A period without a right, in ms since 1970: from the acknowledged revocation until the request that restores it. */
export interface Without {
  readonly from: number;
  readonly until: number;
}

const POST = 'mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id } }';
/** Large enough for the backlog of a client that stops reading to fill the socket buffers. */
const BODY = 'What stands here matters to nobody. '.repeat(300);

export class Traffic {
  /** Ids of the acknowledged updates, by title, which is also the idempotency key. */
  readonly posted = new Map<string, string>();
  readonly guestAway: Without[] = [];
  readonly promotedDown: Without[] = [];
  private readonly triedBefore: number;
  private over = false;
  private readonly running: Promise<unknown>[] = [];

  /** `everyMs`: mean interval between the posts of a writer. `name`: prefix of every idempotency key. */
  constructor(
    private readonly team: Team,
    private readonly name: string,
    seed: number,
    everyMs: number,
  ) {
    this.triedBefore = triesOf(team);
    const dice = new Dice(seed);
    const loops = [
      ...team.writers.map((writer, index) => this.write(writer, new Dice(seed + 2 + index), everyMs)),
      this.comeAndGo(dice),
      this.riseAndFall(new Dice(seed + 1)),
    ];
    for (const loop of loops) {
      loop.catch(() => {}); // `end` reports the error
      this.running.push(loop);
    }
  }

  /** Retried attempts of posts and changes of rights since the start. */
  get retried(): number {
    return triesOf(this.team) - this.triedBefore;
  }

  /** Stops the load; resolves when all rights are restored and all posts acknowledged. Throws on permanent errors. */
  async end(): Promise<void> {
    this.over = true;
    await Promise.all(this.running);
  }

  /** Posts a final update in each project. */
  async mark(word: string): Promise<void> {
    for (const [index, projectId] of this.team.projects.entries())
      await this.post(this.team.writers[index]!, projectId, `${this.name} ${word} ${index}`);
  }

  private async write(writer: Teammate, dice: Dice, everyMs: number): Promise<void> {
    for (let n = 0; !this.over; n += 1) {
      await this.post(writer, this.team.projects[n % 2]!, `${this.name} ${writer.name} ${n}`);
      await pause(dice.between(0, 2 * everyMs));
    }
  }

  private async post({ client }: Teammate, projectId: string, title: string): Promise<void> {
    const i = {
      projectId,
      title,
      body: BODY,
      health: 'ON_TRACK',
      internalNote: noteOf(title),
      idempotencyKey: title,
    };
    this.posted.set(title, (await client.data(POST, { i })).postUpdate.id);
  }

  private async comeAndGo(dice: Dice): Promise<void> {
    const { admin, guest, projects } = this.team;
    const membership = { p: projects[0], u: guest.id };
    await this.alternate(
      dice,
      this.guestAway,
      () => admin.client.data(REMOVE_MEMBER, membership),
      () => admin.client.data(SET_MEMBER, { ...membership, r: 'VIEWER' }),
    );
  }

  private async riseAndFall(dice: Dice): Promise<void> {
    const { admin, promoted, projects } = this.team;
    const [byRole, byMembership] = [
      (r: string) => ({ u: promoted.id, r }),
      (r: string) => ({ p: projects[0], u: promoted.id, r }),
    ];
    let turn = 0;
    const change = (high: boolean) =>
      turn % 2 === 0
        ? admin.client.data(SET_ROLE, byRole(high ? 'EDITOR' : 'USER'))
        : admin.client.data(SET_MEMBER, byMembership(high ? 'EDITOR' : 'VIEWER'));
    await this.alternate(
      dice,
      this.promotedDown,
      () => change(false),
      () => change(true).finally(() => (turn += 1)),
    );
  }

  private async alternate(
    dice: Dice,
    without: Without[],
    take: () => Promise<unknown>,
    give: () => Promise<unknown>,
  ): Promise<void> {
    while (!this.over) {
      await pause(dice.between(700, 2_500));
      await take();
      const from = Date.now();
      await pause(dice.between(700, 2_000));
      without.push({ from, until: Date.now() });
      await give();
    }
  }
}

function triesOf({ admin, writers }: Team): number {
  return [admin, ...writers].reduce((sum, { client }) => sum + client.retried, 0);
}
