// Helpers for tests of event delivery: post many updates, read events, print measurements.
import { randomUUID } from 'node:crypto';
import { projectEvent, ProjectEventKind } from '../../src/domain/projects/project-events.js';
import { EventLog } from '../../src/engine/events/event-log.js';
import { Hub } from '../../src/engine/realtime/fan-out/hub.js';
import type { Socket } from '../../src/engine/realtime/sockets/socket.js';
import { netOf } from './bystander.js';
import type { Data } from './graphql-client.js';
import type { RawSocket, Watch } from './socket-client.js';
import type { TestTidings } from './tidings.js';
import { until } from './wait.js';

/** Writes `count` updates through the EventLog, bypassing the API, in transactions of `size`. */
export async function postMany(
  app: TestTidings['app'],
  authorId: string,
  projectId: string,
  count: number,
  size = 100,
): Promise<void> {
  const insert = `insert into project_update (id, project_id, author_id, title, body, health, version, created_at)
                  select id::uuid, ?, ?, 'Of many, ' || ?::int + place - 1, '', 'ON_TRACK', 1, now()
                    from jsonb_array_elements_text(?::jsonb) with ordinality as posted(id, place)`;
  for (let done = 0; done < count; done += size) {
    const ids = Array.from({ length: Math.min(size, count - done) }, () => randomUUID());
    await app.get(EventLog).transaction(async ({ em, record }) => {
      await em.execute(insert, [projectId, authorId, done, JSON.stringify(ids)]);
      for (const id of ids)
        record(projectEvent({ accountId: authorId }, projectId, ProjectEventKind.UPDATE_POSTED, { subjectId: id }));
    });
  }
}

/**
 * Posts rounds of updates (`round`: updates per project) and waits after each until `quick` has received it, until one
 * round adds no byte to `slow`: the TCP buffers are full and the server holds events back. Returns the number of
 * rounds.
 */
export async function postUntilBehind(
  app: TestTidings['app'],
  authorId: string,
  { quick, slow }: { readonly quick: RawSocket; readonly slow: Socket },
  round: Readonly<Record<string, number>>,
): Promise<number> {
  const size = Object.values(round).reduce((sum, count) => sum + count);
  for (let rounds = 1; ; rounds += 1) {
    const written = netOf(slow['ws']).bytesWritten;
    for (const [projectId, count] of Object.entries(round)) await postMany(app, authorId, projectId, count);
    await until(() => quick.messages.length === rounds * size, 'the quick one had them all');
    if (app.get(Hub).stats.behind > 0 && netOf(slow['ws']).bytesWritten === written) return rounds;
  }
}

/** Prints minimum, median and maximum of `measured` (ms). */
export function printFigure(what: string, measured: readonly number[]): void {
  const sorted = measured.toSorted((a, b) => a - b);
  const [least, middle, most] = [sorted[0], sorted[sorted.length >> 1], sorted.at(-1)].map((ms) => ms?.toFixed(1));
  process.stdout.write(`figure: ${what}: min ${least}, median ${middle}, max ${most} ms\n`);
}

/** Fails if the service has logged a warning or an error since the last call. */
export function assertNothingLogged(tidings: TestTidings): void {
  const logged = tidings.logged.splice(0);
  if (logged.length > 0) throw new Error(`The service has logged:\n${logged.join('\n')}`);
}

/** The next `count` events of a subscription to `field`. Fails if a result has errors. */
export async function nextEvents(watch: Watch, count: number, field = 'projectUpdated'): Promise<Data[]> {
  const events: Data[] = [];
  while (events.length < count) {
    const { data, errors } = await watch.next();
    expect(errors).toBeUndefined();
    events.push(data[field]);
  }
  return events;
}
