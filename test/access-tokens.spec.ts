// Access tokens: which tokens are accepted, which are rejected, and that revocation takes effect on every instance.
import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
  verify,
} from 'node:crypto';
import { request } from 'node:http';
import { deriveSigningKey } from '../src/engine/sessions/signing-keys.js';
import { GraphqlClient } from './support/graphql-client.js';
import { RawSocket } from './support/socket-client.js';
import { fewestStatementsOf } from './support/statements.js';
import { PASSWORD, type Person, SECRET, TestTidings, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings(() => ({ env: { REDIS_URL: process.env['TEST_REDIS_URL']! } }));

const ME = '{ me { id } }';
const own = deriveSigningKey(Buffer.from(SECRET, 'base64'), 'tidings');
const HEADER = { alg: 'ES256', typ: 'at+jwt', kid: own.kid };

const encoded = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const decoded = (token: string, part: number) =>
  JSON.parse(Buffer.from(token.split('.')[part]!, 'base64url').toString());
const es256 = (text: string, key: KeyObject) =>
  sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url');

function signed(claims: unknown, header: unknown = HEADER, key = own.privateKey): string {
  const text = `${encoded(header)}.${encoded(claims)}`;
  return `${text}.${es256(text, key)}`;
}

/** What we would sign for `person`, with some of it changed. */
function claimsOf(person: Person, changed: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000);
  const base = { iss: 'http://localhost', aud: 'tidings', sub: person.id, sid: person.sessionId, role: 'USER' };
  return { ...base, iat: now, exp: now + 900, jti: randomUUID(), ...changed };
}

const hmac = (header: object, secret: string | Buffer) => (person: Person) => {
  const text = `${encoded(header)}.${encoded(claimsOf(person))}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
};
const without = (claim: string) => (person: Person) => {
  const { [claim]: _gone, ...rest } = claimsOf(person);
  return signed(rest);
};
const having = (changed: Record<string, unknown>) => (person: Person) => signed(claimsOf(person, changed));

const me = (authorization: string, url = tidings.current.url) => new GraphqlClient(url).send(ME, {}, { authorization });
const outcome = async (authorization: string, url?: string) => {
  const { data, errors } = await me(authorization, url);
  return errors ? errors[0]!.extensions.code : (data.me.id as string);
};

let user: Person;
beforeAll(async () => {
  user = await tidings.current.asUser();
});

describe('an access token', () => {
  it('is a JWT of RFC 9068 that verifies with the published keys', async () => {
    const jwks = (await (await fetch(`${tidings.current.url}/.well-known/jwks.json`)).json()) as {
      keys: Record<string, string>[];
    };
    const header = decoded(user.accessToken!, 0);
    expect(header).toEqual(HEADER);
    const jwk = jwks.keys.find(({ kid }) => kid === header.kid)!;
    expect(Object.keys(jwk).toSorted()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    const [head, body, signature] = user.accessToken!.split('.');
    const key = createPublicKey({ format: 'jwk', key: jwk });
    const bytes = Buffer.from(signature!, 'base64url');
    expect(verify('sha256', Buffer.from(`${head}.${body}`), { key, dsaEncoding: 'ieee-p1363' }, bytes)).toBe(true);
    const claims = decoded(user.accessToken!, 1);
    expect(Object.keys(claims).toSorted()).toEqual(['aud', 'exp', 'iat', 'iss', 'jti', 'role', 'sid', 'sub']);
    expect(claims).toMatchObject({
      iss: tidings.current.config.publicUrl,
      aud: 'tidings',
      sub: user.id,
      sid: user.sessionId,
      role: 'USER',
    });
    expect(claims.exp - claims.iat).toBe(900);
  });

  it('built by these tests is valid, so that the cases below fail for their own reason', async () => {
    expect(await outcome(`Bearer ${signed(claimsOf(user))}`)).toBe(user.id);
    expect(await outcome(`bearer   ${user.accessToken} `)).toBe(user.id);
  });

  const publicPem = own.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const now = Math.floor(Date.now() / 1000);
  const REFUSED: Record<string, (person: Person) => string> = {
    'no signature, alg none': (person) => `${encoded({ ...HEADER, alg: 'none' })}.${encoded(claimsOf(person))}.`,
    'an empty signature': (person) => `${encoded(HEADER)}.${encoded(claimsOf(person))}.`,
    'a signature of other claims': (person) => {
      const [head, body, signature] = person.accessToken!.split('.');
      const claims = { ...JSON.parse(Buffer.from(body!, 'base64url').toString()), role: 'ADMIN' };
      return `${head}.${encoded(claims)}.${signature}`;
    },
    'HS256 keyed with the public key': hmac({ ...HEADER, alg: 'HS256' }, publicPem),
    'HS256 keyed with the published JWK': hmac({ ...HEADER, alg: 'HS256' }, JSON.stringify(own.jwk)),
    'HS256 keyed with APP_SECRET': hmac({ ...HEADER, alg: 'HS256' }, Buffer.from(SECRET, 'base64')),
    'alg ES256 over an HMAC': hmac(HEADER, publicPem),
    'a foreign key under our kid': (person) => signed(claimsOf(person), HEADER, foreign),
    'a foreign key under its own kid': (person) => signed(claimsOf(person), { ...HEADER, kid: 'theirs' }, foreign),
    'a foreign key that it brings along': (person) =>
      signed(claimsOf(person), { ...HEADER, jwk: createPublicKey(foreign).export({ format: 'jwk' }) }, foreign),
    'an unknown kid': (person) => signed(claimsOf(person), { ...HEADER, kid: 'unknown' }),
    'no kid': (person) => signed(claimsOf(person), { alg: 'ES256', typ: 'at+jwt' }),
    'a kid that is no string': (person) => signed(claimsOf(person), { ...HEADER, kid: [own.kid] }),
    'typ JWT': (person) => signed(claimsOf(person), { ...HEADER, typ: 'JWT' }),
    'no typ': (person) => signed(claimsOf(person), { alg: 'ES256', kid: own.kid }),
    'alg RS256': (person) => {
      const text = `${encoded({ ...HEADER, alg: 'RS256' })}.${encoded(claimsOf(person))}`;
      return `${text}.${sign('sha256', Buffer.from(text), rsa).toString('base64url')}`;
    },
    'a signature in DER': (person) => {
      const text = `${encoded(HEADER)}.${encoded(claimsOf(person))}`;
      return `${text}.${sign('sha256', Buffer.from(text), own.privateKey).toString('base64url')}`;
    },
    ...Object.fromEntries(
      ['iss', 'aud', 'sub', 'sid', 'role', 'iat', 'exp', 'jti'].map((claim) => [`no ${claim}`, without(claim)]),
    ),
    'another audience': having({ aud: 'others' }),
    'a list of audiences': having({ aud: ['tidings', 'others'] }),
    'a role that is none': having({ role: 'ROOT' }),
    'exp as text': having({ exp: String(now + 900) }),
    'exp with a fraction': having({ exp: now + 800.5 }),
    'more life than ACCESS_TOKEN_TTL': having({ iat: now, exp: now + 901 }),
    'an exp that has passed': having({ iat: now - 900, exp: now - 1 }),
    'an nbf to come': having({ nbf: now + 600 }),
    'a session that is not there': having({ sid: randomUUID() }),
    'an account that is not there': having({ sub: randomUUID() }),
    'claims that are a list': () => signed([]),
    'claims that are no JSON': () => signed('{'),
    'no JSON under typ JWT': () => `${encoded({ alg: 'ES256', typ: 'JWT' })}.${encoded('no json')}.AAAA`,
    'a header that is null': (person) => signed(claimsOf(person), null),
    'a header that is a list': (person) => signed(claimsOf(person), []),
    'five parts': (person) => `${person.accessToken}.a.b`,
    'dots only': () => '..',
    '12 kB': () => 'a'.repeat(12_000),
  };

  it.each(Object.keys(REFUSED))('with %s is refused over HTTP and over a socket', async (what) => {
    const token = REFUSED[what]!(user);
    expect(await outcome(`Bearer ${token}`)).toBe('UNAUTHENTICATED');
    const socket = await RawSocket.open(tidings.current.url);
    socket.send({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } });
    expect((await socket.closed).code).toBe(what.includes('has passed') ? 4403 : 4401);
    expect(tidings.current.logged).toEqual([]);
  });

  it('with the session of another account is anonymous', async () => {
    const other = await tidings.current.asUser();
    expect(await outcome(`Bearer ${signed(claimsOf(user, { sid: other.sessionId }))}`)).toBe('UNAUTHENTICATED');
    expect(await outcome(`Bearer ${signed(claimsOf(other))}`)).toBe(other.id);
  });

  it.each(['', 'Bearer', 'Bearer ', 'Basic dXNlcjpwYXNz', 'Bearer a b', 'Bearer \u00e9', 'Bearer null'])(
    'is not read from the header "%s"',
    async (authorization) => {
      expect(await outcome(authorization)).toBe('UNAUTHENTICATED');
    },
  );

  it('that is invalid makes the request anonymous, so that signing in works', async () => {
    const login = 'mutation ($i: LoginInput!) { login(input: $i) { user { id } session { current } } }';
    for (const authorization of [
      'Bearer garbage',
      `Bearer ${signed(claimsOf(user, { iat: now - 900, exp: now - 1 }))}`,
    ]) {
      const { data } = await new GraphqlClient(tidings.current.url).send(
        login,
        { i: { email: user.email, password: PASSWORD } },
        { authorization },
      );
      expect(data.login).toEqual({ user: { id: user.id }, session: { current: true } });
    }
  });

  it('of 100 kB is refused by the HTTP server', async () => {
    const { hostname, port } = new URL(tidings.current.url);
    const status = await new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${'a'.repeat(100_000)}` };
      const call = request({ hostname, port, path: '/graphql', method: 'POST', headers }, (response) => {
        resolve(response.resume().statusCode);
      });
      call.on('error', reject).end();
    });
    expect(status).toBe(431);
    const metrics = await (await fetch(`${tidings.current.url}/metrics`)).text();
    expect(metrics).toContain('tidings_connections_cut_total{reason="headers"} 1');
    expect(await outcome(`Bearer ${user.accessToken}`)).toBe(user.id);
  });

  it('grants the rights of the account, not claims of its own', async () => {
    const admin = signed(claimsOf(user, { role: 'ADMIN' }));
    const client = new GraphqlClient(tidings.current.url, admin);
    expect((await client.error('{ users { nodes { id } } }')).extensions).toMatchObject({
      code: 'FORBIDDEN',
      requires: 'ADMIN',
    });
  });

  it('takes no statement once its session and account are cached', async () => {
    const fresh = await tidings.current.signIn(user.id, user.email);
    const asking = () => fresh.data('{ __typename me { __typename } }');
    await asking();
    const seen = await fewestStatementsOf(asking);
    // The account that `me` shows, and nothing for the right to ask.
    expect(seen).toHaveLength(1);
    expect(seen[0]).toContain(' from account ');
  });

  it('takes no statement over a socket either', async () => {
    const socket = await RawSocket.signedIn(tidings.current.url, user.accessToken!);
    const asking = async () => {
      socket.send({ id: randomUUID(), type: 'subscribe', payload: { query: '{ __typename }' } });
      expect((await socket.next('next')).payload).toEqual({ data: { __typename: 'Query' } });
    };
    expect(await fewestStatementsOf(asking)).toEqual([]);
    await socket.close();
  });
});

describe('access tokens on other instances', () => {
  const SECOND = Buffer.alloc(32, 'the secret after the first one..').toString('base64');
  let other: TestTidings;
  let rotated: TestTidings;

  beforeAll(async () => {
    const { database } = tidings.current;
    const REDIS_URL = process.env['TEST_REDIS_URL']!;
    other = await TestTidings.start({ database, env: { REDIS_URL, ACCESS_TOKEN_TTL: '15m' } });
    rotated = await TestTidings.start({ database, env: { APP_SECRET: `${SECOND},${SECRET}`, ACCESS_TOKEN_TTL: '2s' } });
  });
  afterAll(() => Promise.all([other.stop(), rotated.stop()]));

  it('are valid', async () => {
    expect(new URL(other.url).port).not.toBe(new URL(tidings.current.url).port);
    expect(await outcome(`Bearer ${user.accessToken}`, other.url)).toBe(user.id);
  });

  it('of a session that ended elsewhere are refused, seen before or not', async () => {
    for (const wasSeen of [true, false]) {
      const person = await tidings.current.signIn(user.id, user.email);
      const authorization = `Bearer ${person.accessToken}`;
      if (wasSeen) await outcome(authorization, other.url);
      await person.data('mutation { logout }');
      await until(async () => (await outcome(authorization, other.url)) === 'UNAUTHENTICATED', 'the other node knows');
      expect(await outcome(authorization, tidings.current.url)).toBe('UNAUTHENTICATED');
    }
  });

  it('of a disabled account are refused on both when the log says so', async () => {
    const person = await tidings.current.asUser();
    const authorization = `Bearer ${person.accessToken}`;
    expect(await outcome(authorization, other.url)).toBe(person.id);
    await tidings.current.database.query(`update account set disabled_at = now() where id = $1`, [person.id]);
    await tidings.current.database.query(
      `insert into event (resource_kind, resource_id, kind, actor_id, facts) values ('account', $1, 'DISABLED', $1, '{}')`,
      [person.id],
    );
    for (const url of [other.url, tidings.current.url]) {
      await until(async () => (await outcome(authorization, url)) === 'UNAUTHENTICATED', 'the account is refused');
    }
  });

  it('with APP_SECRET=new,old verify under both keys, sign with the new one, and publish both', async () => {
    const old = claimsOf(user, { exp: Math.floor(Date.now() / 1000) + 2 });
    expect(await outcome(`Bearer ${signed(old)}`, rotated.url)).toBe(user.id);
    const person = await rotated.asUser();
    const { kid } = deriveSigningKey(Buffer.from(SECOND, 'base64'), 'tidings');
    expect(decoded(person.accessToken!, 0).kid).toBe(kid);
    const jwks = await (await fetch(`${rotated.url}/.well-known/jwks.json`)).json();
    expect((jwks as { keys: { kid: string }[] }).keys.map((key) => key.kid)).toEqual([kid, own.kid]);
    expect(await outcome(`Bearer ${person.accessToken}`)).toBe('UNAUTHENTICATED');
  });

  it('expire at the time named by the reply', async () => {
    const login = 'mutation ($i: LoginInput!) { login(input: $i) { accessToken accessTokenExpiresAt } }';
    const input = { i: { email: user.email, password: PASSWORD } };
    const { accessToken, accessTokenExpiresAt } = (await rotated.anonymous.data(login, input)).login;
    expect(await outcome(`Bearer ${accessToken}`, rotated.url)).toBe(user.id);
    // When it was last accepted at the earliest, and first refused at the latest: however slowly this machine asks.
    let [accepted, refused] = [0, 0];
    await until(async () => {
      const asked = Date.now();
      const expired = (await outcome(`Bearer ${accessToken}`, rotated.url)) === 'UNAUTHENTICATED';
      if (expired) refused = Date.now();
      else accepted = asked;
      return expired;
    }, 'it expires');
    const expiresAt = Date.parse(accessTokenExpiresAt);
    expect([accepted < expiresAt, refused >= expiresAt]).toEqual([true, true]);
  });
});
