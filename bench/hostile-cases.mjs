// The attacks of bench/hostile.mjs, each a function that runs until `attack.stopped`. `attack` has the tools of hostile-attacks.mjs.
// Attacks from single addresses connect directly, from 127.0.0.0/8. Attacks from whole networks use forwarded addresses of a trusted proxy.
import { randomInt, randomUUID } from 'node:crypto';

const INTROSPECTION =
  '{ __schema { types { kind name description fields(includeDeprecated: true) { name description args { name description type { kind name ofType { kind name ofType { kind name } } } } type { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } inputFields { name description type { kind name ofType { kind name } } } enumValues(includeDeprecated: true) { name description } possibleTypes { name } } directives { name description locations args { name description } } } }';
const aliases = (count, field) => Array.from({ length: count }, (_, at) => `a${at}: ${field}`).join(' ');
const ALIASES = `{ ${aliases(990, '__typename')} }`;
/** An answer of 5.8 MB without limits. */
const DESCRIPTIONS = `{ __schema { types { ${aliases(990, 'description')} } } }`;

/** The largest answer for an anonymous client: just below 192 KiB, with fewer than 500 tokens. */
const BELOW_CAP = `{ __schema { types { ${aliases(31, 'description')} } } }`;

/** Valid or not, costs the rule of overlapping fields and others as much as 4,000 tokens can; no two are the same. */
function slowToValidate() {
  const id = randomInt(1e9);
  const fields = Array.from({ length: 60 }, () => `me { id name ...F${id} }`).join(' ');
  const nested = Array.from({ length: 20 }, (_, at) => `x${at}: name`).join(' ');
  const spreads = Array.from({ length: 40 }, () => `...G${id} sessions { id }`).join(' ');
  return `query Q${id} { ${fields} } fragment F${id} on User { ${nested} ${spreads} } fragment G${id} on User { ${nested} ...H${id} } fragment H${id} on User { ${nested} }`;
}

/** A document that nobody else has, with three tokens for each of its fields: up to 1,000 tokens a subscription may have. */
function ownDocument(root, leaf, count = 320) {
  const first = randomInt(1_000);
  const fields = Array.from({ length: count }, (_, at) => `a${first + at}:${leaf}`).join(' ');
  return `subscription S${randomInt(1e9)} { ${root} { ${fields} } }`;
}

/** Requests one after the other on `width` connections from `address(lane)`. */
const flood = (width, address, body) => async (attack) => {
  await attack.lanes(width, async (lane) => attack.request({ from: address(lane), body: body(lane) }));
};
/** Operations on 32 connections of a trusted proxy, each forwarded from a fresh network of an IPv6 /40. */
const fresh = (query) => (attack) =>
  attack.lanes(32, (lane) => {
    const forwarded = `2001:db8:${randomInt(0xff).toString(16)}:${randomInt(0xffff).toString(16)}::1`;
    return attack.request({ from: attack.proxy, forwarded, body: { query: query(lane) } });
  });
const login = (email) =>
  `mutation { login(input: { email: "${email}", password: "wrong ${randomInt(1e9)}" }) { accessToken } }`;
const direct = (lane) => `127.7.${lane % 200}.${(lane % 250) + 1}`;
const one = () => '127.7.7.7';

export const CASES = {
  'superlinear text': {
    run: flood(2, one, () => ({
      query: `{ a: "${'cannot represent '.repeat(14_900)}" }`,
    })),
  },
  'superlinear variables': {
    run: flood(2, one, () => ({
      query: 'query ($a: Int) { projects(first: $a) { nodes { id } } }',
      variables: { a: 'cannot represent '.repeat(14_000) },
    })),
  },
  'unread responses, anonymous': {
    run: async (attack) => {
      for (let at = 0; at < 60; at += 1) attack.unread({ from: direct(at % 4), body: { query: BELOW_CAP } });
      await attack.untilStopped();
    },
  },
  'unread responses, 12 accounts': {
    run: async (attack) => {
      for (let at = 0; at < 60; at += 1)
        attack.unread({ from: direct(at % 4), token: attack.tokens[at % 12], body: { query: DESCRIPTIONS } });
      await attack.untilStopped();
    },
  },
  introspection: { run: flood(4, one, () => ({ query: INTROSPECTION })) },
  '990 aliases': { run: flood(4, one, () => ({ query: ALIASES })) },
  '990 descriptions': { run: flood(4, one, () => ({ query: DESCRIPTIONS })) },
  'slow to validate': { run: flood(4, one, () => ({ query: slowToValidate() })) },
  'slow to validate, 64 addresses': { run: flood(64, direct, () => ({ query: slowToValidate() })) },
  'slow to validate, an IPv6 /40': { run: fresh(slowToValidate) },
  'signed-in stranger, 50 documents/s': {
    run: async (attack) => {
      const socket = await attack.socket(attack.tokens[0]);
      while (!attack.stopped) {
        socket.subscribe(randomUUID(), { query: slowToValidate() });
        await attack.pause(20);
      }
    },
  },
  'signed-in, HTTP, 4 accounts': {
    run: (attack) =>
      attack.lanes(4, (lane) =>
        attack.request({ from: direct(lane), token: attack.tokens[lane], body: { query: slowToValidate() } }),
      ),
  },
  'documents on notificationReceived': {
    run: async (attack) => {
      const sockets = await Promise.all([0, 1, 2].map(() => attack.socket(attack.tokens[0])));
      for (let at = 0; at < 300 && !attack.stopped; at += 1)
        sockets[at % 3].subscribe(randomUUID(), { query: ownDocument('notificationReceived', 'id') });
      await attack.untilStopped();
    },
  },
  'documents of 4,000 tokens on notificationReceived': {
    run: async (attack) => {
      const sockets = await Promise.all([0, 1, 2].map(() => attack.socket(attack.tokens[0])));
      for (let at = 0; at < 300 && !attack.stopped; at += 1)
        sockets[at % 3].subscribe(randomUUID(), { query: ownDocument('notificationReceived', 'id', 1_300) });
      await attack.untilStopped();
    },
  },
  'documents on projectsUpdated, 12 accounts': {
    run: async (attack) => {
      const sockets = await Promise.all(attack.tokens.map((token) => attack.socket(token)));
      for (let at = 0; at < 50 * sockets.length && !attack.stopped; at += 1)
        sockets[at % sockets.length].subscribe(randomUUID(), { query: ownDocument('projectsUpdated', 'seq') });
      await attack.untilStopped();
    },
  },
  'unread answers on sockets, 12 accounts': {
    run: async (attack) => {
      const sockets = await Promise.all(
        attack.tokens.flatMap((token) => [0, 1, 2, 3, 4].map(() => attack.socket(token))),
      );
      for (const socket of sockets) socket.stopReading();
      for (let at = 0; at < 40 * sockets.length && !attack.stopped; at += 1)
        sockets[at % sockets.length].subscribe(randomUUID(), { query: DESCRIPTIONS });
      await attack.untilStopped();
    },
  },
  'expensive queries, 12 accounts': {
    run: (attack) =>
      attack.lanes(12, (lane) =>
        attack.request({
          from: direct(lane),
          token: attack.tokens[lane],
          body: {
            query:
              '{ projects(first: 20) { nodes { name updates(first: 20) { nodes { title author { name } comments(first: 5) { nodes { id } } } } members(first: 20) { nodes { user { name } } } } } }',
          },
        }),
      ),
  },
  '500 sets of variables': {
    run: async (attack) => {
      const query = `subscription ($id: ID!, $first: Int) { projectUpdated(projectId: $id) { cursor project { name members(first: $first) { nodes { role user { name } } } updates(first: 20) { nodes { title author { name } } } } } }`;
      const sockets = await Promise.all([0, 1, 2, 3, 4].map(() => attack.socket(attack.tokens[0])));
      for (let at = 0; at < 500 && !attack.stopped; at += 1)
        sockets[at % 5].subscribe(randomUUID(), {
          query: at < 100 ? query : query.replace('cursor', `cursor c${Math.floor(at / 100)}: cursor`),
          variables: { id: attack.projectId, first: (at % 100) + 1 },
        });
      await attack.untilStopped();
    },
  },
  'aliased comments': {
    run: (attack) =>
      attack.lanes(2, () => {
        const comment = () =>
          `postComment(input: { projectId: "${attack.projectId}", body: "${randomUUID()}" }) { id }`;
        const query = `mutation { ${Array.from({ length: 180 }, (_, at) => `a${at}: ${comment()}`).join(' ')} }`;
        return attack.request({ from: one(), token: attack.tokens[0], body: { query } });
      }),
  },
  'single comments, 12 accounts': {
    run: (attack) =>
      attack.lanes(12, (lane) => {
        const query = `mutation { postComment(input: { projectId: "${attack.projectId}", body: "${randomUUID()}" }) { id } }`;
        return attack.request({ from: direct(lane), token: attack.tokens[lane], body: { query } });
      }),
  },
  'wrong passwords, 64 addresses': {
    logins: true,
    run: (attack) =>
      attack.lanes(200, (lane) =>
        attack.request({ from: direct(lane % 64), body: { query: login(`bench-${randomInt(1e6)}@example.com`) } }),
      ),
  },
  'wrong passwords, an IPv6 /40': {
    logins: true,
    run: fresh(() => login(`bench-${randomInt(1e6)}@example.com`)),
  },
  'wrong passwords of accounts, an IPv6 /40': {
    logins: true,
    run: fresh((lane) => login(lane % 2 ? 'user@example.com' : 'editor@example.com')),
  },
  'registrations, an IPv6 /40': {
    logins: true,
    run: fresh(
      () =>
        `mutation { register(input: { name: "Fresh", email: "${randomUUID()}@example.com", password: "${randomUUID()}" }) { accessToken } }`,
    ),
  },
  'reset requests, an IPv6 /40': {
    logins: true,
    run: fresh((lane) => `mutation { requestPasswordReset(email: "${lane % 2 ? 'user' : randomUUID()}@example.com") }`),
  },
  'refused operations': {
    run: (attack) =>
      attack.lanes(8, (lane) =>
        attack.request({
          from: one(),
          token: attack.tokens[lane],
          body: { query: `mutation { deleteProject(id: "${randomUUID()}") }` },
        }),
      ),
  },
  'large bodies': {
    run: flood(16, one, () => ({ query: `{ me { id } } # ${'x'.repeat(250_000)}` })),
  },
  'connections without connection_init': {
    run: (attack) =>
      attack.lanes(400, async (lane) => {
        await attack.idleSocket(direct(lane));
      }),
  },
  'sockets that reconnect': {
    run: (attack) =>
      attack.lanes(24, async (lane) => {
        const socket = await attack.socket(attack.tokens[lane % attack.tokens.length]);
        socket.subscribe('1', {
          query: 'subscription ($id: ID!) { projectUpdated(projectId: $id) { cursor } }',
          variables: { id: attack.projectId },
        });
        await socket.first();
        socket.end();
      }),
  },
};
