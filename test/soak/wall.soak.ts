// The wall, open for long with 50 projects, to which ten updates a second are posted: its memory stays as it is, and what is closed leaves
// nothing open.
import { card, isLive, signIn, useWallStage } from '../browser/wall-stage.js';
import { addMember, createProject, postUpdate } from '../support/factories.js';
import type { Person } from '../support/tidings.js';
import { until } from '../support/wait.js';

/** 2 are enough for a trial. */
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 10);
const PROJECTS = 50;
/** ms between two updates. */
const EVERY_MS = 100;
/** Updates until everything that is kept up to a bound has reached it: the client keeps the last 512 events of a subscription. */
const WARM_UP = 1_200;
const AT_ONCE = 8;
/** ms at the pace of the measurement before it begins: what the page runs at that pace is compiled meanwhile. */
const SETTLE_MS = 60_000;
const SAMPLES = 60;
/** Bytes by which memory may be more at the end than it was at the start. */
const GROWTH = 512 * 1024;
/** Of the time that the page is open. */
const LONG_TASKS = 0.05;

/** Fewer than the cards of the projects have. */
const NODES_OF_A_WALL = 10 * PROJECTS;

const stage = useWallStage();

/** ms of tasks longer than 50 ms, from now on. */
const OBSERVE = `globalThis.long = 0;
  new PerformanceObserver((entries) => entries.getEntries().forEach(({ duration }) => (long += duration))).observe({ type: 'longtask' });`;

it(
  `the wall takes no more memory while it is open for ${MINUTES} minutes, and leaves nothing open when it closes`,
  async () => {
    const { tidings } = stage.current;
    const ada = await tidings.asUser('EDITOR', 'Ada');
    const watcher = await tidings.asUser('EDITOR', 'Grace');
    const projects: { readonly id: string; readonly key: string }[] = [];
    while (projects.length < PROJECTS) {
      const project = await createProject(ada);
      await addMember(ada, project.id, watcher, 'VIEWER');
      projects.push(project);
    }
    const page = await stage.current.open();
    const sockets = new Set<unknown>();
    page.on('websocket', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
    });
    await page.getByLabel('Password').waitFor();
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('Performance.enable');
    const collect = async () => {
      for (let times = 0; times < 3; times += 1) await cdp.send('HeapProfiler.collectGarbage');
    };
    const usedBytes = async () => {
      await collect();
      return (await cdp.send('Runtime.getHeapUsage')).usedSize;
    };
    const heldBy = async (name: 'Nodes' | 'JSEventListeners') => {
      await collect();
      return (await cdp.send('Performance.getMetrics')).metrics.find((metric) => metric.name === name)!.value;
    };
    const [nodesBefore, listenersBefore] = [await heldBy('Nodes'), await heldBy('JSEventListeners')];
    await signIn(page, watcher);
    await isLive(page);
    await card(page, projects[0]!.key).waitFor();
    let author: Person = ada;
    let posted = 0;
    const post = async () => {
      const count = posted;
      posted += 1;
      // Tokens of the author are good for a while.
      if (posted % 1_000 === 0) author = await tidings.signIn(ada.id, ada.email);
      const health = ['ON_TRACK', 'AT_RISK', 'OFF_TRACK'][count % 3];
      await postUpdate(author, projects[count % PROJECTS]!.id, { title: `Number ${count}`, health });
    };
    for (let times = 0; times < WARM_UP; times += AT_ONCE) await Promise.all(Array.from({ length: AT_ONCE }, post));

    const postFor = async (ms: number, look: (elapsed: number) => Promise<void> = async () => {}) => {
      const began = performance.now();
      for (let due = began + EVERY_MS; performance.now() - began < ms; due += EVERY_MS) {
        await until(() => performance.now() >= due, 'its time had come');
        await post();
        await look(performance.now() - began);
      }
      return performance.now() - began;
    };
    await postFor(SETTLE_MS);

    await page.evaluate(OBSERVE);
    const total = MINUTES * 60_000;
    const samples: number[] = [];
    const measuredFrom = posted;
    const took = await postFor(total, async (elapsed) => {
      if (elapsed > (total * samples.length) / SAMPLES) samples.push(await usedBytes());
    });
    const share = (await page.evaluate<number>('long')) / took;
    // The next 50, one for each project.
    const first = posted;
    for (let times = 0; times < PROJECTS; times += 1) await post();
    for (let count = first; count < posted; count += 1)
      await card(page, projects[count % PROJECTS]!.key)
        .getByText(`Number ${count}`, { exact: true })
        .waitFor();
    samples.push(await usedBytes());

    const [before, behind] = [samples.slice(0, SAMPLES / 2), samples.slice(SAMPLES / 2)].map((half) =>
      Math.min(...half),
    );
    const series = samples.map((bytes) => (bytes / 1024).toFixed(0)).join(' ');
    const rate = ((first - measuredFrom) / (took / 1_000)).toFixed(1);
    process.stdout.write(`figure: ${rate} updates a second for ${MINUTES} minutes: KB of heap ${series}\n`);
    process.stdout.write(`figure: long tasks ${(share * 100).toFixed(2)} % of the time\n`);
    expect(behind! - before!).toBeLessThan(GROWTH);
    expect(share).toBeLessThan(LONG_TASKS);

    // The page stays, so that what the wall has opened is closed by the wall, not by the browser.
    await page.getByRole('button', { name: 'Account of' }).click();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed out').waitFor();
    await tidings.watching(0);
    await until(() => sockets.size === 0, 'the page had closed its sockets');
    const [nodes, listeners] = [
      (await heldBy('Nodes')) - nodesBefore,
      (await heldBy('JSEventListeners')) - listenersBefore,
    ];
    process.stdout.write(
      `figure: kept after the sign-out: ${nodes} nodes, ${listeners} listeners more than before it\n`,
    );
    expect(nodes).toBeLessThan(NODES_OF_A_WALL);
    expect(listeners).toBeLessThan(PROJECTS);
  },
  MINUTES * 60_000 + 240_000,
);
