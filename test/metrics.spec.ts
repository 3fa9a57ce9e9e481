// Metrics of an instance: `realtime` and /metrics agree, and follow what happens.
import { LogFollower } from '../src/engine/events/log-follower.js';
import { createProject, postUpdate } from './support/factories.js';
import { postMany } from './support/live.js';
import { RawSocket } from './support/socket-client.js';
import { startTcpProxy, type TcpProxy } from './support/tcp-proxy.js';
import { type Person, TestTidings, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();

const WATCH = `subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { seq } }`;
const NUMBERS = `sockets subscriptions groups behind bufferedBytes executions deliveries bytes catchUps
  demotedDocuments position distance`;
const REALTIME = `{ realtime { ${NUMBERS} closes { code count } commitToDelivery { upToMs count } } }`;

/** Every number, by the name that it has in /metrics and by that of its field. */
const NAMES = {
  tidings_sockets: 'sockets',
  tidings_subscriptions: 'subscriptions',
  tidings_groups: 'groups',
  tidings_subscriptions_behind: 'behind',
  tidings_socket_buffered_bytes: 'bufferedBytes',
  tidings_event_executions_total: 'executions',
  tidings_event_deliveries_total: 'deliveries',
  tidings_event_bytes_total: 'bytes',
  tidings_catch_ups_total: 'catchUps',
  tidings_log_position: 'position',
  tidings_log_distance: 'distance',
} as const;

type Stats = Record<(typeof NAMES)[keyof typeof NAMES] | 'demotedDocuments', number> & {
  readonly closes: readonly { readonly code: number | null; readonly count: number }[];
  readonly commitToDelivery: readonly { readonly upToMs: number | null; readonly count: number }[];
};

let admin: Person;
let editor: Person;
let project: Awaited<ReturnType<typeof createProject>>;
beforeAll(async () => {
  [admin, editor] = await Promise.all([tidings.current.asUser('ADMIN'), tidings.current.asUser('EDITOR')]);
  project = await createProject(editor, { description: 'x'.repeat(2_000) });
});

const realtime = async (): Promise<Stats> => (await admin.data(REALTIME)).realtime;
const page = (url = tidings.current.url) => fetch(`${url}/metrics`).then((response) => response.text());

function sample(metrics: string, name: string): number {
  const line = metrics.split('\n').find((each) => each.startsWith(`${name} `));
  if (!line) throw new Error(`There is no ${name}`);
  return Number(line.slice(name.length));
}

/** By how much each number grew while `work` ran. */
async function growth(work: () => Promise<unknown>): Promise<Record<keyof Stats, number>> {
  const before = await realtime();
  await work();
  const after = await realtime();
  const numberOf = (stats: Stats, key: keyof Stats): number => {
    const value = stats[key];
    return typeof value === 'number' ? value : (value.at(-1)?.count ?? 0);
  };
  const keys = Object.keys(after) as (keyof Stats)[];
  return Object.fromEntries(keys.map((key) => [key, numberOf(after, key) - numberOf(before, key)])) as never;
}

const closesOf = ({ closes }: Stats, code: number | null) => closes.find((each) => each.code === code)?.count ?? 0;

describe('/metrics', () => {
  it('lists these metrics with type and help', async () => {
    const types = [...(await page()).matchAll(/^# HELP (tidings_\w+) \S.*\n# TYPE \1 (\w+)$/gm)];
    expect(Object.fromEntries(types.map(([, name, type]) => [name, type]))).toEqual({
      tidings_audit_repeatable_total: 'counter',
      tidings_audit_rows_counting: 'gauge',
      tidings_catch_ups_total: 'counter',
      tidings_clock_offset_seconds: 'gauge',
      tidings_commit_to_delivery_seconds: 'histogram',
      tidings_connection_turns_refused_total: 'counter',
      tidings_connection_turns_waiting: 'gauge',
      tidings_connections: 'gauge',
      tidings_connections_cut_total: 'counter',
      tidings_database_errors_total: 'counter',
      tidings_database_writable: 'gauge',
      tidings_demotions_total: 'counter',
      tidings_denied_fields_total: 'counter',
      tidings_document_cache_bytes: 'gauge',
      tidings_document_lookups_total: 'counter',
      tidings_introspection_cache_bytes: 'gauge',
      tidings_errors_total: 'counter',
      tidings_event_bytes_total: 'counter',
      tidings_event_deliveries_total: 'counter',
      tidings_event_executions_total: 'counter',
      tidings_gate_busy_seconds: 'gauge',
      tidings_gate_refusals_total: 'counter',
      tidings_gate_waiting: 'gauge',
      tidings_execution_budget_exceeded_total: 'counter',
      tidings_executions_waiting: 'gauge',
      tidings_groups: 'gauge',
      tidings_http_refusals_total: 'counter',
      tidings_live_queue_overflows_total: 'counter',
      tidings_log_distance: 'gauge',
      tidings_log_position: 'gauge',
      tidings_mails_total: 'counter',
      tidings_notifications_dropped_total: 'counter',
      tidings_operations_refused_total: 'counter',
      tidings_password_hashes_refused_total: 'counter',
      tidings_password_hashes_waiting: 'gauge',
      tidings_rate_limited_total: 'counter',
      tidings_refusals_waiting: 'gauge',
      tidings_replays_waiting: 'gauge',
      tidings_request_body_bytes: 'gauge',
      tidings_retention_removed_total: 'counter',
      tidings_silent_sockets_closed_total: 'counter',
      tidings_socket_buffered_bytes: 'gauge',
      tidings_socket_closes_total: 'counter',
      tidings_socket_reads_paused_total: 'counter',
      tidings_socket_refusals_total: 'counter',
      tidings_sockets: 'gauge',
      tidings_sockets_before_init: 'gauge',
      tidings_sockets_cut_total: 'counter',
      tidings_subscription_document_bytes: 'gauge',
      tidings_subscription_refusals_total: 'counter',
      tidings_subscriptions: 'gauge',
      tidings_subscriptions_behind: 'gauge',
      tidings_unsent_response_bytes: 'gauge',
    });
  });
});

describe('metrics of an event', () => {
  it('count one execution per group, one delivery per subscriber, and one latency', async () => {
    const sockets = [editor.socket(), admin.socket()];
    const watches = [0, 1, 2].map((n) => sockets[n % 2]!.subscribe(WATCH, { id: project.id }));
    await tidings.current.watching(3);
    const grown = await growth(async () => {
      await postUpdate(editor, project.id);
      for (const watch of watches) await watch.next();
    });
    expect(grown).toMatchObject({ executions: 1, deliveries: 3, commitToDelivery: 1, catchUps: 0, position: 1 });
    const frame = Buffer.byteLength(
      JSON.stringify({ id: 'id', type: 'next', payload: { data: { projectUpdated: {} } } }),
    );
    expect(grown.bytes).toBeGreaterThan(3 * frame);

    const [stats, metrics] = [await realtime(), await page()];
    expect(stats).toMatchObject({
      sockets: 2,
      subscriptions: 3,
      groups: 1,
      behind: 0,
      distance: 0,
      demotedDocuments: 0,
    });
    for (const [name, field] of Object.entries(NAMES))
      expect([name, sample(metrics, name)]).toEqual([name, stats[field]]);
    expect(sample(metrics, 'tidings_commit_to_delivery_seconds_count')).toBe(stats.commitToDelivery.at(-1)!.count);
    // Prometheus counts in seconds, the schema in ms.
    const inSeconds = [...metrics.matchAll(/^tidings_commit_to_delivery_seconds_bucket\{le="([\d.]+)"\} (\d+)$/gm)];
    expect(
      inSeconds.map(([, le, count]) => ({ upToMs: Math.round(Number(le) * 1_000), count: Number(count) })),
    ).toEqual(stats.commitToDelivery.slice(0, -1));
    expect(sample(metrics, 'tidings_commit_to_delivery_seconds_sum')).toBeLessThan(10);
    const counts = stats.commitToDelivery.map(({ count }) => count);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(stats.commitToDelivery.at(-1)!.upToMs).toBeNull();
    await Promise.all([editor.leave(), admin.leave()]);
    await tidings.current.watching(0);
  });

  it('count a replayed event as a delivery without latency', async () => {
    const watch = editor.socket();
    const grown = await growth(async () => {
      await watch.subscribe(WATCH, { id: project.id, after: project.lastCursor }).next();
      await until(async () => (await realtime()).behind === 0, 'it had caught up');
    });
    expect(grown).toMatchObject({ catchUps: 1, commitToDelivery: 0, deliveries: 2, subscriptions: 1 });
    await editor.leave();
    await tidings.current.watching(0);
  });
});

const open = () => RawSocket.signedIn(tidings.current.url, editor.accessToken!);

describe('metrics of sockets', () => {
  it('show buffered bytes and lagging subscriptions of a socket that does not read', async () => {
    const slow = await open();
    const fields = Array.from({ length: 40 }, (_, n) => `a${n}: description`).join(' ');
    const query = `subscription { projectsUpdated { project { ${fields} } } }`;
    slow.send({ id: 'slow', type: 'subscribe', payload: { query } });
    await tidings.current.watching(1);
    slow.ws.pause();
    await postMany(tidings.current.app, editor.id, project.id, 200);
    await until(async () => (await realtime()).behind === 1, 'it was behind');
    const { bufferedBytes, catchUps } = await realtime();
    expect(bufferedBytes).toBeGreaterThan(256 * 1024);
    expect(catchUps).toBeGreaterThan(0);
    slow.ws.terminate();
    await until(async () => (await realtime()).sockets === 0, 'it was gone');
    expect(await realtime()).toMatchObject({ bufferedBytes: 0, behind: 0, subscriptions: 0, groups: 0 });
  });

  it('count close codes, those of clients together', async () => {
    const before = await realtime();
    const [calm, odd, odder, rude] = [await open(), await open(), await open(), await open()];
    calm.ws.close(1000);
    odd.ws.close(4999);
    odder.ws.close(3333);
    rude.send({ type: 'connection_init' });
    await Promise.all([calm, odd, odder, rude].map(({ closed }) => closed));
    await until(async () => (await realtime()).sockets === 0, 'all were gone');
    const after = await realtime();
    const grown = [1000, null, 4429, 4999].map((code) => closesOf(after, code) - closesOf(before, code));
    expect(grown).toEqual([1, 2, 1, 0]);
    const metrics = await page();
    expect(sample(metrics, 'tidings_socket_closes_total{code="other"}')).toBe(closesOf(after, null));
    expect(sample(metrics, 'tidings_socket_closes_total{code="4429"}')).toBe(closesOf(after, 4429));
  });
});

describe('an instance that receives no wake-ups', () => {
  let deaf: TestTidings;
  let proxy: TcpProxy;
  // No Redis between them: what one commits the other finds by its timer.
  beforeAll(async () => {
    const { database } = tidings.current;
    const url = new URL(database.url);
    proxy = await startTcpProxy(Number(url.port), url.hostname);
    url.port = String(proxy.port);
    deaf = await TestTidings.start({ database: { ...database, url: url.href } });
  });
  afterAll(async () => {
    proxy.open();
    await deaf.stop();
    await proxy.stop();
  });

  it('reports its distance from the head of the log', async () => {
    const position = sample(await page(deaf.url), 'tidings_log_position');
    await deaf.app.get(LogFollower).onApplicationShutdown();
    for (let n = 0; n < 3; n += 1) await postUpdate(editor, project.id);
    const metrics = await page(deaf.url);
    expect(sample(metrics, 'tidings_log_position')).toBe(position);
    expect(sample(metrics, 'tidings_log_distance')).toBe(3);
  });

  it('omits the distance while PostgreSQL is away', async () => {
    const position = sample(await page(deaf.url), 'tidings_log_position');
    proxy.blackhole();
    const metrics = await page(deaf.url);
    proxy.open();
    expect(sample(metrics, 'tidings_log_position')).toBe(position);
    expect(sample(metrics, 'tidings_log_distance')).toBeNaN();
  });
});
