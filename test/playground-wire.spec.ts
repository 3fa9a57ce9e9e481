// The playground's Wire pane: it knows the documented codes and hides secrets.
import { readFileSync } from 'node:fs';
import { HIDDEN, redact, redactJson, redactText } from '../web/playground/src/redact.js';
import { CODES, meaningOf } from '../web/playground/src/wire/close-codes.js';
import { ERROR_CODES } from '../web/playground/src/wire/errors.js';
import { explain, gist } from '../web/playground/src/wire/explain.js';
import { type Frame, Frames, MAX_FRAMES } from '../web/playground/src/wire/frames.js';
import { growth, LINEAR } from './support/growth.js';

const ACCESS = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl';
const REFRESH = 'tr1.01920000-0000-7000-8000-00000000de01.1.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPA';

const secrets = [ACCESS, REFRESH, 'tdk_abcdef0123456789', 'hunter two'];

const add = (frames: Frames, type: string, count: number) => {
  for (let at = 0; at < count; at += 1) frames.add({ socket: 1, way: 'in', type, raw: `{"type":"${type}"}` });
};

const rights = {
  role: 'USER',
  isCut: false,
  projects: [{ id: '1', key: 'RIDER', name: 'Rider app', viewerRole: 'VIEWER' }],
};

const frame = (type: string, message: object, own: Partial<Frame> = {}): Frame => ({
  key: 1,
  at: 0,
  socket: 1,
  way: 'in',
  type,
  id: '1',
  operation: undefined,
  size: 1,
  text: JSON.stringify(message),
  code: undefined,
  took: undefined,
  ...own,
});

const change = (data: object) => explain(frame('next', { payload: { data: { accessChanged: data } } }), rights)[0];
const pong = (payload: object) => explain(frame('pong', { payload }), rights)[0];

describe('close codes', () => {
  const documented = [...readFileSync('docs/realtime.md', 'utf8').matchAll(/^\| (?:\*\*)?(\d{4})(?:\*\*)? +\|/gm)].map(
    ([, code]) => Number(code),
  );

  it('every documented close code has an explanation', () => {
    expect(documented.length).toBeGreaterThan(10);
    expect(documented.filter((code) => !CODES.includes(code))).toEqual([]);
  });

  it('explanations tell retry advice, and a changed account from an ended session', () => {
    expect(meaningOf(1012, 'Service restart; retry=4-12')).toContain('4 to 12 s');
    expect(meaningOf(4401, 'OTHER_ACCOUNT')).not.toBe(meaningOf(4401, 'Unauthorized'));
    expect(meaningOf(4444)).toBe('A code that Tidings does not use.');
  });
});

it('every error code of the service has an explanation', () => {
  const source = readFileSync('src/engine/errors/service-error.ts', 'utf8');
  const union = /export type ErrorCode =([^;]*);/.exec(source)![1]!;
  const codes = [...union.matchAll(/'(\w+)'/g)].map(([, code]) => code!);
  expect(codes.length).toBeGreaterThan(10);
  expect([...ERROR_CODES].sort()).toEqual(codes.sort());
});

describe('masking of secrets', () => {
  it.each([
    ['connection_init', { type: 'connection_init', payload: { authorization: `Bearer ${ACCESS}` } }],
    ['connection_init of another case', { type: 'connection_init', payload: { Authorization: ACCESS } }],
    ['a sign-in', { query: 'mutation ($i: LoginInput!) { x }', variables: { i: { password: 'hunter two' } } }],
    [
      'a sign-in with the password in the document',
      { query: 'mutation { login(input: {email: "a", password: "hunter two"}) { x } }' },
    ],
    ['a block string', { query: 'mutation { login(input: {password: """hunter two"""}) { x } }' }],
    ['one that is being typed', { query: 'mutation { login(input: {password: "hunter two' }],
    [
      'a variable of another name',
      { query: 'mutation ($p: String!) { login(input: {password: $p}) { x } }', variables: { p: 'hunter two' } },
    ],
    ['a default', { query: 'mutation ($password: String = "hunter two") { x }' }],
    ['a reply', { data: { login: { accessToken: ACCESS, refreshToken: REFRESH } } }],
    ['a reply under other names', { data: { login: { a: ACCESS, b: REFRESH } } }],
    ['a refresh', { variables: { token: REFRESH } }],
    ['an API token', { headers: { Authorization: 'Bearer tdk_abcdef0123456789' } }],
    [
      'a tab as GraphiQL keeps it',
      {
        tabs: [
          {
            query: 'mutation ($p: String!) { login(input: {password: $p}) { x } }',
            variables: '{\n  "p": "hunter two"\n}',
            headers: `{ "Authorization": "Bearer ${ACCESS}" }`,
          },
        ],
      },
    ],
    ['variables on their own', '{ "newPassword": "hunter two" '],
  ])('masks secrets in %s', (_what, value) => {
    const text = redactJson(JSON.stringify(value));
    expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
    expect(text).toContain(HIDDEN);
  });

  it('masks secrets in text that is not JSON', () => {
    expect(redactText(`Authorization: Bearer ${ACCESS}`)).toBe(`Authorization: ${HIDDEN}`);
  });

  it('leaves other text unchanged', () => {
    const value = {
      query: 'query ($key: String!) { project(key: $key) { name } } # password: ask Ada',
      variables: { key: 'RIDER', after: '6MnIUBZPAAAAAAAAAKU' },
      data: {
        session: { id: '01920000-0000-7000-8000-00000000de01', accessTokenExpiresAt: '2026-11-29T00:00:00.000Z' },
        token: null,
      },
    };
    expect(redact(value)).toEqual(value);
  });

  it.each(['eyJ', 'password:', '"', ' '])('is linear in a text of %j', async (part) => {
    expect(await growth(100_000, (size) => part.repeat(size / part.length), redactText)).toBeLessThan(LINEAR);
  });
});

describe('the list of frames', () => {
  it('is bounded, keeps the newest and counts the dropped ones', () => {
    const frames = new Frames();
    add(frames, 'next', MAX_FRAMES + 30);
    expect(frames.get()).toMatchObject({ dropped: 30, frames: { length: MAX_FRAMES } });
    expect(frames.get().frames.at(-1)!.key).toBe(MAX_FRAMES + 30);
  });

  it('is not displaced by pings', () => {
    const frames = new Frames();
    add(frames, 'next', 1);
    add(frames, 'ping', 2 * MAX_FRAMES);
    const { frames: kept } = frames.get();
    expect(kept[0]!.type).toBe('next');
    expect(kept.length).toBeLessThan(100);
  });

  it('skips and counts frames while paused', () => {
    const frames = new Frames();
    frames.pause(true);
    add(frames, 'next', 3);
    expect(frames.get()).toMatchObject({ missed: 3, frames: [] });
    frames.pause(false);
    add(frames, 'next', 1);
    expect(frames.get()).toMatchObject({ missed: 0, frames: { length: 1 } });
  });

  it('shows the sent size of masked and truncated frames', () => {
    const frames = new Frames();
    const raw = JSON.stringify({ text: 'é'.repeat(50_000) });
    frames.add({ socket: 1, way: 'in', type: 'next', raw });
    const [long] = frames.get().frames;
    expect(long!.size).toBe(Buffer.byteLength(raw));
    expect(long!.text.length).toBeLessThan(21_000);
  });
});

describe('explanations of a frame', () => {
  it('name the role in the project of an event', () => {
    const event = { cursor: 'c', kind: 'UPDATE_POSTED', project: { key: 'RIDER' } };
    const next = frame('next', { payload: { data: { projectsUpdated: event } } });
    expect(explain(next, rights)[0]).toBe('Delivered because you are VIEWER in RIDER.');
    expect(explain(next, { ...rights, role: 'ADMIN', projects: [] })[0]).toContain('ADMIN sees every project');
    expect(gist(next)).toBe('UPDATE_POSTED RIDER');
  });

  it('name the required role of a field beside the current one', () => {
    const errors = [{ path: ['one', 'budget'], extensions: { code: 'FORBIDDEN', requires: 'EDITOR' } }];
    const result = { data: { one: { key: 'RIDER', budget: null } }, errors };
    const [said] = explain(frame('next', { payload: result }), rights);
    expect(said).toContain('one.budget: FORBIDDEN');
    expect(said).toContain('requires EDITOR; you are VIEWER in RIDER.');
    expect(explain(frame('response', { body: result }), rights)[0]).toBe(said);
  });

  it('name the requested fields of a subscription', () => {
    const subscribe = (query: string, variables = {}) =>
      explain(frame('subscribe', { payload: { query, variables } }, { way: 'out' }), rights).join(' ');
    const all = 'subscription { projectsUpdated { cursor } }';
    expect(subscribe(all)).toContain('the events of RIDER, and of no other project. Begins now.');
    expect(subscribe(all, { after: 'c' })).toContain('Resumes after');
    expect(subscribe('subscription { projectsUpdated(includeOwn: false) { cursor } }')).toContain('are left out');
    expect(explain(frame('subscribe', { payload: { query: all } }), { ...rights, role: 'ADMIN' })[0]).toContain(
      'all projects',
    );
  });

  it('name a change of rights', () => {
    expect(change({ cursor: 'c', projectId: '1', role: null, accountRole: 'USER' })).toContain('This project is lost');
    expect(change({ cursor: 'c', projectId: '1', role: 'EDITOR', accountRole: 'USER' })).toContain('EDITOR in RIDER');
    expect(change({ cursor: 'c', projectId: null, role: null, accountRole: 'ADMIN' })).toContain('role of the account');
  });

  it('name the position of a pong', () => {
    expect(pong({ cursor: 'c', at: '2026-11-29T00:00:00.000Z', behind: 0 })).toContain('nothing is missing');
    expect(pong({ cursor: 'c', at: '2026-11-29T00:00:00.000Z', behind: 7 })).toContain('7 events are still to come');
    expect(pong({ cursor: null, at: null, behind: 3 })).toContain('not known');
  });

  it('name the side that ended an operation or socket, and why', () => {
    expect(explain(frame('complete', {}, { way: 'out' }), rights)[0]).toContain('Stopped by this page');
    expect(explain(frame('complete', {}), rights)[0]).toContain('Ended by the service');
    expect(explain(frame('close', { reason: 'Access token expired' }, { code: 4403 }), rights)[0]).toContain(
      'has expired',
    );
    expect(explain(frame('error', { payload: [{ extensions: { code: 'CURSOR_EXPIRED' } }] }), rights)[0]).toContain(
      'lastCursor',
    );
  });

  it('are left out for truncated frames', () => {
    expect(explain(frame('next', {}, { text: '{"payload":{"da…' }), rights)).toEqual([]);
  });
});
