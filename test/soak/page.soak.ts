// A page with React and Apollo Client that is open for long, while people post, edit, comment and remove: its memory stays as it is,
// and what is closed leaves nothing open.
import type { CDPSession, Page } from 'playwright-core';
import { call, holds, isLive, isShown, signIn, useClientStage } from '../browser/client-stage.js';
import { createProject, postUpdate } from '../support/factories.js';
import type { Person } from '../support/tidings.js';
import { runAfter } from '../support/wait.js';

/** 3 are enough for a trial. */
const MINUTES = Number(process.env['SOAK_MINUTES'] ?? 30);
/** ms between two acts, as many as `npm run demo:live` does in two seconds. */
const EVERY_MS = 100;
/** Acts until everything that is kept up to a bound has reached it: the client keeps the last 512 events of a subscription. */
const WARM_UP = 1_200;
/** Of those at once. */
const AT_ONCE = 8;
const SAMPLES = 60;
/** Updates of the project at a time. */
const KEPT = 15;
/** Bytes by which memory may be more at the end than it was at the start. */
const GROWTH = 512 * 1024;

const stage = useClientStage({ mode: 'production' });

/** Counts what the page opens and has not closed. */
const COUNTED = `
  globalThis.open = { sockets: new Set(), channels: new Set(), listeners: [] };
  for (const [name, opened] of [['WebSocket', open.sockets], ['BroadcastChannel', open.channels]]) {
    const Own = globalThis[name];
    globalThis[name] = class extends Own {
      constructor(...args) {
        super(...args);
        opened.add(this);
        this.addEventListener('close', () => opened.delete(this));
      }
      close(...args) {
        super.close(...args);
        if (name === 'BroadcastChannel') opened.delete(this);
      }
    };
  }
  for (const target of [globalThis, document]) {
    const { addEventListener, removeEventListener } = target;
    const forget = (type, listener) => {
      const at = open.listeners.findIndex((one) => one.type === type && one.listener === listener);
      if (at >= 0) open.listeners.splice(at, 1);
    };
    target.addEventListener = function (type, listener, ...rest) {
      // Those of the page; the browser is driven by some of its own.
      if (new Error().stack.includes('page.js') && !rest[0]?.signal?.aborted) {
        open.listeners.push({ type, listener });
        rest[0]?.signal?.addEventListener('abort', () => forget(type, listener));
      }
      return addEventListener.call(target, type, listener, ...rest);
    };
    target.removeEventListener = function (type, listener, ...rest) {
      forget(type, listener);
      return removeEventListener.call(target, type, listener, ...rest);
    };
  }`;
/** Of the page's own, and of React, which keeps it. */
const OWN_LISTENERS = new Set(['error', 'unhandledrejection', 'selectionchange']);

/** In use when everything is collected that can be, Apollo's results of earlier reads included: the client drops those every 500 events. */
async function usedBytes(page: Page, cdp: CDPSession): Promise<number> {
  await page.evaluate('page.apollo.cache.gc({ resetResultCache: true }); void 0');
  for (let times = 0; times < 3; times += 1) await cdp.send('HeapProfiler.collectGarbage');
  return (await cdp.send('Runtime.getHeapUsage')).usedSize;
}

it(
  `a page that is open for ${MINUTES} minutes takes no more memory, and leaves nothing open when it closes`,
  async () => {
    const { tidings } = stage.current;
    const ada = await tidings.asUser('EDITOR', 'Ada');
    const { id: projectId } = await createProject(ada);
    const page: Page = await stage.current.profile.newPage();
    await page.addInitScript(COUNTED);
    await page.goto(stage.current.address());
    await signIn(page, await tidings.asUser('ADMIN', 'Grace'));
    await call(page, 'show', [{ name: 'list' }, { name: 'one', id: projectId }]);
    await isShown(page, 'one', 'status === "live"');
    await isLive(page);
    await call(page, 'forget');
    const cdp = await stage.current.profile.newCDPSession(page);

    const updates: string[] = [];
    for (let acts = 0; acts < WARM_UP; acts += 4 * AT_ONCE)
      for (let kind = 0; kind < 4; kind += 1)
        await Promise.all(Array.from({ length: AT_ONCE }, () => act(ada, projectId, updates, acts + kind)));

    const began = Date.now();
    const total = MINUTES * 60_000;
    const samples: number[] = [];
    let author: Person = ada;
    let acts = 0;
    while (Date.now() - began < total) {
      // Tokens of the author are good for a while.
      if (acts % 1_000 === 999) author = await tidings.signIn(ada.id, ada.email);
      await runAfter(EVERY_MS, () => act(author, projectId, updates, acts));
      acts += 1;
      const due = (total * samples.length) / SAMPLES;
      if (Date.now() - began > due) samples.push(await usedBytes(page, cdp));
    }
    samples.push(await usedBytes(page, cdp));
    const title = `The last of ${acts}`;
    await postUpdate(author, projectId, { title });
    await isShown(page, 'one', `status === "live" && rows[0] === ${JSON.stringify(title)}`);
    const [before, behind] = [samples.slice(0, SAMPLES / 2), samples.slice(SAMPLES / 2)].map((half) =>
      Math.min(...half),
    );
    const series = samples.map((bytes) => (bytes / 1024).toFixed(0)).join(' ');
    process.stdout.write(`figure: ${acts} acts in ${MINUTES} minutes: KB of heap ${series}\n`);
    expect(behind! - before!).toBeLessThan(GROWTH);

    await call(page, 'unmount');
    await call(page, 'tidings.close');
    await tidings.watching(0);
    await holds(page, 'open.sockets.size === 0');
    expect(await page.evaluate('open.channels.size')).toBe(0);
    const listeners = await page.evaluate<string[]>('open.listeners.map(({ type }) => type)');
    expect(listeners.filter((type) => !OWN_LISTENERS.has(type))).toEqual([]);
  },
  MINUTES * 60_000 + 120_000,
);

/** One act of many kinds; the project keeps its size. */
async function act(author: Person, projectId: string, updates: string[], count: number): Promise<void> {
  const comment = 'mutation ($i: PostCommentInput!) { postComment(input: $i) { id } }';
  const edit = 'mutation ($id: ID!, $i: EditUpdateInput!) { editUpdate(id: $id, input: $i) { id } }';
  const newest = updates.at(-1);
  if (count % 4 === 0) updates.push(await postUpdate(author, projectId));
  else if (count % 4 === 1)
    await author.data(comment, { i: { projectId, updateId: newest, body: `Comment ${count}` } });
  else if (count % 4 === 2) await author.data(edit, { id: newest, i: { title: `Edited ${count}` } });
  else if (updates.length > KEPT)
    await author.data('mutation ($id: ID!) { removeUpdate(id: $id) }', { id: updates.shift() });
}
