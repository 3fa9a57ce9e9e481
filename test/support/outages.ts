// Stock clients connected to one of two instances while updates are posted to the other. After each outage every client
// must have received every event, once and in order. The bench uses 100 clients and long outages, the test few clients
// and short ones.
import { setTimeout as pause } from 'node:timers/promises';
import { FaultCluster } from './fault-cluster.js';
import { PersistentClient } from './fault-client.js';
import { type SubscriptionReport, type ClientSession, StockClients } from './stock-clients.js';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
import { until } from './wait.js';

const PASSWORD = 'they come back after every outage';
const AUTHOR = 'author@example.com';
const TOKENS = 'accessToken accessTokenExpiresAt refreshToken';
const REGISTER = `mutation ($i: RegisterInput!) { register(input: $i) { ${TOKENS} user { id } } }`;
const LOGIN = `mutation ($i: LoginInput!) { login(input: $i) { ${TOKENS} user { id } } }`;
const POST = 'mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id } }';
/** Sessions per account. */
const PER_ACCOUNT = 10;
/** ms between two posts. */
const POST_EVERY_MS = 100;
/** ms between the steps of an outage of PostgreSQL. */
const GONE_MS = 300;
/** ms within which all clients must receive events again. */
const RECOVERY_TIMEOUT_MS = 80_000;

export interface Outcome {
  readonly subscriptions: number;
  readonly recovered: number;
  readonly lost: number;
  readonly twice: number;
  readonly outOfOrder: number;
  /** ms from the end of the outage until every client had received an event posted after it. */
  readonly liveAfter: number;
  /** The reasons of subscriptions that ended. */
  readonly ended: readonly string[];
}

export class Outages {
  private posted = 0;

  private constructor(
    readonly cluster: FaultCluster,
    /** Between the clients and their instance. */
    readonly proxy: TcpProxy,
    readonly clients: StockClients,
    private author: PersistentClient,
    /** The event of its creation is the first that the clients receive. */
    private readonly projectId: string,
  ) {}

  static async start(count: number, variables: Readonly<Record<string, string>>): Promise<Outages> {
    const cluster = await FaultCluster.start(Buffer.alloc(32, 'outages').toString('base64'), variables);
    return Outages.over(cluster, count).catch(async (error: unknown) => {
      await cluster.stop();
      throw error;
    });
  }

  private static async over(cluster: FaultCluster, count: number): Promise<Outages> {
    const [here, elsewhere] = cluster.urls as [string, string];
    const proxy = await startTcpProxy(Number(new URL(here).port));
    const visitor = new PersistentClient([elsewhere]);
    const login = async (name: string) =>
      (await visitor.data(LOGIN, { i: { email: `${name}@example.com`, password: PASSWORD } })).login;
    const register = async (name: string) => {
      const i = { name, email: `${name}@example.com`, password: PASSWORD };
      const answer = visitor.data(REGISTER, { i }).then((data) => data.register);
      return answer.catch((error: unknown) => {
        // The first request succeeded after the client's timeout, and the retry finds the account registered.
        if (!String(error).includes('EMAIL_TAKEN')) throw error;
        return login(name);
      });
    };
    // The first account registered becomes ADMIN.
    const author = new PersistentClient([elsewhere], (await register('author')).accessToken);
    const create = 'mutation ($i: CreateProjectInput!) { createProject(input: $i) { id lastCursor } }';
    const { id, lastCursor: after } = (await author.data(create, { i: { key: 'OUT', name: 'Outages' } })).createProject;
    const member = 'mutation ($p: ID!, $u: ID!) { setProjectMember(projectId: $p, userId: $u, role: VIEWER) { role } }';
    const names = Array.from({ length: Math.ceil(count / PER_ACCOUNT) }, (_, account) => `watcher${account}`);
    for (const name of names) await author.data(member, { p: id, u: (await register(name)).user.id });
    const sessions: ClientSession[] = [];
    for (let at = 0; at < count; at += 1) {
      const { user: _, ...tokens } = await login(names[at % names.length]!);
      sessions.push({ tokens, id, after });
    }
    const clients = await StockClients.start();
    clients.watch(`http://127.0.0.1:${proxy.port}/graphql`, sessions);
    const outages = new Outages(cluster, proxy, clients, author, id);
    await outages.live();
    return outages;
  }

  /** Posts an update and resolves when every client has received it. */
  async live(): Promise<void> {
    await this.post();
    await this.allHave(await lastSeq(this.cluster, this.projectId));
  }

  /** Stops the clients' instance with `signal` and starts it again after `ms`. */
  async restart(signal: 'SIGTERM' | 'SIGKILL', ms: number): Promise<void> {
    const [node] = this.cluster.nodes;
    await node!.stop(signal);
    await pause(ms);
    await node!.start();
  }

  /**
   * Every client subscribes while PostgreSQL is unavailable: with a new subscription on its open connection, resuming
   * from a cursor that its restarted instance does not know; half of the clients also reconnect.
   */
  async subscribingWhile(away: () => Promise<void>): Promise<void> {
    await this.restart('SIGTERM', 0);
    await this.live();
    const over = away();
    await pause(GONE_MS);
    this.clients.watchAgain();
    await pause(GONE_MS);
    this.proxy.cut(2);
    await over;
  }

  /** Runs `outage` while updates are posted. */
  async during(outage: () => Promise<void>): Promise<Outcome> {
    const outageOver = new AbortController();
    const posting = (async () => {
      while (!outageOver.signal.aborted) {
        await this.post();
        await pause(POST_EVERY_MS);
      }
    })();
    await outage();
    const began = performance.now();
    outageOver.abort();
    await posting;
    await this.post();
    const upTo = await lastSeq(this.cluster, this.projectId);
    await this.allHave(upTo).catch(() => {});
    const liveAfter = performance.now() - began;
    return { ...this.judge(await this.clients.report(), upTo), liveAfter };
  }

  async stop(): Promise<void> {
    await this.clients.stop();
    await this.proxy.stop();
    await this.cluster.stop();
  }

  private async post(): Promise<void> {
    this.posted += 1;
    const title = `Update ${this.posted}`;
    const input = { i: { projectId: this.projectId, title, health: 'ON_TRACK', idempotencyKey: title } };
    await this.author.data(POST, input).catch(async (error: unknown) => {
      if (!String(error).includes('UNAUTHENTICATED')) throw error;
      const elsewhere = [this.cluster.urls[1]!];
      const { login } = await new PersistentClient(elsewhere).data(LOGIN, { i: { email: AUTHOR, password: PASSWORD } });
      this.author = new PersistentClient(elsewhere, login.accessToken);
      await this.author.data(POST, input);
    });
  }

  private allHave(upTo: number): Promise<void> {
    const have = async () => (await this.clients.report()).every(({ seqs }) => (seqs.at(-1) ?? 0) >= upTo);
    return until(have, `all clients had event ${upTo}`, RECOVERY_TIMEOUT_MS);
  }

  private judge(reports: readonly SubscriptionReport[], upTo: number): Omit<Outcome, 'liveAfter'> {
    let [recovered, lost, twice, outOfOrder] = [0, 0, 0, 0];
    for (const { seqs, ended } of reports) {
      const distinct = new Set(seqs);
      const missing = upTo - [...distinct].filter((seq) => seq <= upTo).length;
      const inOrder = seqs.every((seq, at) => at === 0 || seq > seqs[at - 1]!);
      lost += missing;
      twice += seqs.length - distinct.size;
      outOfOrder += inOrder ? 0 : 1;
      if (ended === undefined && missing === 0 && inOrder) recovered += 1;
    }
    const ended = reports.flatMap((report) => report.ended ?? []);
    return { subscriptions: reports.length, recovered, lost, twice, outOfOrder, ended };
  }
}

async function lastSeq(cluster: FaultCluster, projectId: string): Promise<number> {
  const sql = 'select max(seq)::int as seq from event where resource_id = $1';
  const [row] = await cluster.query<{ seq: number }>(sql, [projectId]);
  return row!.seq;
}
