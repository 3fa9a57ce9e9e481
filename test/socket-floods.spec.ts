// Floods by one client: memory and work on the server stay bounded, and other clients are unaffected.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { netOf, subscribe, useBystander } from './support/bystander.js';
import { isLong } from './support/extent.js';
import { createProject, postUpdate } from './support/factories.js';
import type { Data } from './support/graphql-client.js';
import { postMany } from './support/live.js';
import { useTidings } from './support/tidings.js';
import { until } from './support/wait.js';
import { OpenSockets } from '../src/engine/realtime/sockets/open-sockets.js';
import { CLOSES_PER_ITERATION } from '../src/engine/realtime/sockets/paced-closer.js';

const tidings = useTidings();
const bystander = useBystander(tidings);

/** Queries, and events, that a client who does not read has coming. */
const QUERIES = isLong ? 20_000 : 6_000;
const MANY = isLong ? 5_000 : 2_000;

describe('bursts of one socket', () => {
  it('100 sockets lost at once are released a few per event-loop turn', async () => {
    const open = tidings.current.app.get(OpenSockets);
    for (let n = 0; n < 100; n += 1) await bystander.hostile();
    const lost = [...open].slice(-100);
    const before = open.size;
    for (const socket of lost) socket['ws'].terminate();
    expect(lost.some((socket) => socket.open)).toBe(false);
    let most = 0;
    for (let size = before; size > before - lost.length;) {
      await nextTurn();
      most = Math.max(most, size - open.size);
      size = open.size;
    }
    // Those that are ended at once, and in the same turn the first of those that wait.
    expect(most).toBeLessThanOrEqual(2 * CLOSES_PER_ITERATION);
  });

  it('200 operations: those within the limit run, the others are RATE_LIMITED, and the limit is free again', async () => {
    const socket = await bystander.hostile();
    for (let n = 0; n < 200; n += 1)
      socket.send(subscribe(`s${n}`, { query: bystander.watch, variables: { id: bystander.project.id } }));
    const errors = [];
    while (errors.length < 100) errors.push(await socket.next('error'));
    expect(errors.every(({ payload }) => payload[0].extensions.code === 'RATE_LIMITED')).toBe(true);
    await tidings.current.watching(101);
    for (let n = 0; n < 100; n += 1) socket.send(JSON.stringify({ id: `s${n}`, type: 'complete' }));
    await tidings.current.watching(1);
    await bystander.stillServes(socket);
  });

  it('50 × (complete, subscribe with the same id) in one segment: the last one runs and nothing leaks', async () => {
    const socket = await bystander.hostile();
    const served = bystander.servers(socket);
    const again = subscribe('same', {
      query: bystander.watch,
      variables: { id: bystander.project.id, after: bystander.project.lastCursor },
    });
    const net = netOf(socket.ws);
    net.cork();
    socket.send(again);
    for (let n = 0; n < 50; n += 1) {
      socket.send('{"id":"same","type":"complete"}');
      socket.send(again);
    }
    net.uncork();
    await until(() => served.operations.size === 1, 'the others had ended');
    await tidings.current.watching(2);
    await postUpdate(bystander.person, bystander.project.id, { title: 'Once' });
    const titles = () => socket.messages.flatMap(({ payload }) => payload?.data?.projectUpdated.update?.title ?? []);
    await until(() => titles().includes('Once'), 'the last one was delivered');
    expect(titles().filter((title) => title === 'Once')).toHaveLength(1);
    expect(socket.messages.filter(({ type }) => type === 'error' || type === 'complete')).toEqual([]);
    const other = await bystander.hostile();
    const netOfOther = netOf(other.ws);
    netOfOther.cork();
    for (let n = 0; n < 50; n += 1) {
      other.send(again);
      other.send('{"id":"same","type":"complete"}');
      other.send(again.replace('same', `id${n}`));
    }
    netOfOther.uncork();
    netOfOther.destroy();
    await other.closed;
    socket.ws.terminate();
    await tidings.current.watching(1);
  });

  it('50 × (complete, query with the same id) in one segment: only the last one is answered', async () => {
    const socket = await bystander.hostile();
    const served = bystander.servers(socket);
    const net = netOf(socket.ws);
    for (const query of [
      '{ me { id } projects(first: 50) { nodes { members { nodes { user { name } } } } } }',
      `mutation { editProject(id: "${bystander.project.id}", input: { name: "Changes" }) { id } }`,
    ]) {
      net.cork();
      for (let n = 0; n < 50; n += 1) {
        socket.send(subscribe('same', { query }));
        socket.send('{"id":"same","type":"complete"}');
      }
      socket.send(subscribe('same', { query: '{ me { role } }' }));
      net.uncork();
      await until(() => served.operations.size === 0, 'all had ended');
      await until(() => socket.messages.at(-1)?.type === 'complete', 'the last one was answered');
      expect(socket.messages.splice(0)).toEqual([
        { id: 'same', type: 'next', payload: { data: { me: { role: 'EDITOR' } } } },
        { id: 'same', type: 'complete' },
      ]);
    }
    net.cork();
    for (let n = 0; n < 50; n += 1) {
      socket.send(subscribe('same', { query: '{ me { id } }' }));
      socket.send('{"id":"same","type":"complete"}');
    }
    net.uncork();
    net.destroy();
    await until(() => served.operations.size === 0, 'nothing was left');
  });

  it('operations still ending count towards the limit of the socket', async () => {
    const socket = await bystander.hostile();
    const net = netOf(socket.ws);
    net.cork();
    for (let n = 0; n < 100; n += 1) {
      socket.send(subscribe('same', { query: '{ me { id } }' }));
      socket.send('{"id":"same","type":"complete"}');
    }
    socket.send(subscribe('same', { query: '{ me { id } }' }));
    net.uncork();
    const [error] = (await socket.next('error')).payload as unknown as Data[];
    expect(error.extensions.code).toBe('RATE_LIMITED');
    socket.send(subscribe('same', { query: '{ me { id } }' }));
    expect((await socket.next('next')).payload.data.me.id).toBe(bystander.person.id);
    await bystander.stillServes(socket);
  });

  it('complete during subscribe and disconnect during a query leak nothing', async () => {
    const socket = await bystander.hostile();
    for (let n = 0; n < 50; n += 1) {
      socket.send(
        subscribe(`c${n}`, {
          query: bystander.watch,
          variables: { id: bystander.project.id, after: bystander.project.lastCursor },
        }),
      );
      socket.send(JSON.stringify({ id: `c${n}`, type: 'complete' }));
    }
    await bystander.stillServes(socket);
    const leaver = await bystander.hostile();
    for (let n = 0; n < 20; n += 1)
      leaver.send(
        subscribe(`q${n}`, { query: '{ projects(first: 50) { nodes { id members { nodes { user { name } } } } } }' }),
      );
    leaver.ws.terminate();
    expect((await leaver.closed).code).toBe(1006);
  });

  it('a reader that does not read 60 MB of pongs is paused', async () => {
    const socket = await bystander.hostile();
    const served = bystander.servers(socket);
    socket.ws.pause();
    const payload = { text: 'x'.repeat(60 * 1024) };
    for (let n = 0; n < 1_000; n += 1) socket.send({ type: 'ping', payload });
    let most = 0;
    await until(
      () => (most = Math.max(most, served['ws'].bufferedAmount)) > 0 && served['ws'].isPaused,
      'the server stopped reading',
    );
    process.stdout.write(`figure: 60 MB of pongs unread: ${most} bytes buffered\n`);
    expect(most).toBeLessThan(2 << 20);
    socket.ws.resume();
    await until(() => socket.messages.length === 1_000, 'all were answered', 90_000);
    await bystander.stillServes(socket);
  });

  it(`a client that does not read and sends ${QUERIES} queries: few run at a time and little is buffered`, async () => {
    const socket = await bystander.hostile();
    const served = bystander.servers(socket);
    socket.ws.pause();
    const query = `{ me { ${'id email name role '.repeat(20)} a: id } __type(name: "ProjectUpdate") { fields { name description } } }`;
    for (let n = 0; n < QUERIES; n += 1) socket.send(subscribe(`q${n}`, { query }));
    let most = { buffered: 0, running: 0 };
    await until(
      () => {
        most = {
          buffered: Math.max(most.buffered, served['ws'].bufferedAmount),
          running: Math.max(most.running, served.operations.size),
        };
        return (
          served['ws'].isPaused ||
          (netOf(served['ws']).bytesRead >= QUERIES * query.length && served.operations.size === 0)
        );
      },
      'the server had answered, or stopped reading',
      90_000,
    );
    process.stdout.write(
      `figure: ${QUERIES} queries unread: ${most.buffered} bytes buffered, ${most.running} operations\n`,
    );
    expect(most.buffered).toBeLessThan(4 << 20);
    expect(most.running).toBeLessThan(2_000);
    socket.ws.resume();
    await until(
      () =>
        socket.messages.length >= QUERIES &&
        socket.messages.filter(({ type }) => type === 'complete' || type === 'error').length === QUERIES,
      'all were answered',
      90_000,
    );
    socket.messages.length = 0;
    await bystander.stillServes(socket);
  });

  it('a client that does not read and asks for 60 MB of results: one result is made at a time', async () => {
    const { person } = bystander;
    const { id } = await createProject(person);
    await postUpdate(person, id, { body: 'x'.repeat(20_000) });
    const socket = await bystander.hostile();
    const served = bystander.servers(socket);
    const fields = Array.from({ length: 300 }, (_, n) => `a${n}: body`).join(' ');
    const query = `{ project(id: "${id}") { latestUpdate { ${fields} } } }`;
    socket.ws.pause();
    for (let n = 0; n < 10; n += 1) socket.send(subscribe(`q${n}`, { query }));
    const running = () => [...served.operations].filter(({ awaited }) => awaited).length;
    await until(() => served['ws'].bufferedAmount > 1 << 20 && served.operations.size === 10, 'an answer waited');
    await new Promise((resolve) => setImmediate(resolve));
    expect(running()).toBe(1);
    expect(served['ws'].bufferedAmount).toBeLessThan(8 << 20);
    let most = 0;
    const look = setInterval(() => (most = Math.max(most, served['ws'].bufferedAmount)), 1);
    socket.ws.resume();
    await until(() => socket.messages.length === 20, 'all were answered');
    clearInterval(look);
    expect(most).toBeLessThan(8 << 20);
    const answers = socket.messages.flatMap(({ type, payload }) => (type === 'next' ? payload.data.project : []));
    expect(answers.map(({ latestUpdate }) => latestUpdate.a299.length)).toEqual(
      Array.from({ length: 10 }, () => 20_000),
    );
    socket.messages.length = 0;
    await bystander.stillServes(socket);
  });

  it('protocol pings by a client that does not read are not buffered', async () => {
    const socket = await bystander.hostile();
    const served = bystander.servers(socket);
    const net = netOf(socket.ws);
    socket.ws.pause();
    const ping = Buffer.alloc(125, 'x');
    let most = 0;
    for (let batch = 0; batch < 200 && served['ws'].readyState === 1 && !served['ws'].isPaused; batch += 1) {
      net.cork();
      for (let n = 0; n < 1_000; n += 1) socket.ws.ping(ping, true, () => {});
      net.uncork();
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
      most = Math.max(most, served['ws'].bufferedAmount);
    }
    process.stdout.write(`figure: pings unread: ${most} bytes buffered, state ${served['ws'].readyState}\n`);
    expect(most).toBeLessThan(4 << 20);
    socket.ws.terminate();
    await socket.closed;
  });

  it(`a client that stops reading during ${MANY} events delays nobody and receives all of them later`, async () => {
    const title = 'subscription ($id: ID!) { projectUpdated(projectId: $id) { seq } }';
    const own = await createProject(bystander.person);
    const slow = await bystander.hostile();
    const quick = bystander.person.socket().subscribe(title, { id: own.id });
    slow.send(
      subscribe('slow', {
        query: title.replace(
          '{ seq }',
          `{ seq ${'kind at cursor subjectId '.repeat(1)} ${Array.from({ length: 60 }, (_, n) => `a${n}: cursor`).join(' ')} }`,
        ),
        variables: { id: own.id },
      }),
    );
    await tidings.current.watching(3);
    const served = bystander.servers(slow);
    slow.ws.pause();
    let most = 0;
    const posting = postMany(tidings.current.app, bystander.person.id, own.id, MANY);
    const seqs: number[] = [];
    while (seqs.length < MANY) {
      seqs.push((await quick.next()).data.projectUpdated.seq);
      most = Math.max(most, served['ws'].bufferedAmount);
    }
    await posting;
    process.stdout.write(`figure: ${MANY} events unread: ${most} bytes buffered\n`);
    const all = Array.from({ length: MANY }, (_, n) => n + 2);
    expect(seqs).toEqual(all);
    expect(most).toBeLessThan(2 << 20);
    slow.ws.resume();
    await until(() => slow.messages.length >= MANY, 'the slow one had read all', 90_000);
    expect(slow.messages.map(({ payload }) => payload.data.projectUpdated.seq)).toEqual(all);
    slow.messages.length = 0;
    quick.stop();
    await bystander.stillServes(slow);
  }, 60_000);
});
