// The service under test on a free port, with its own database and signed-in clients.
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoggerService } from '@nestjs/common';
import { hash } from '@node-rs/argon2';
import { startTidings, type Tidings } from '../../src/app.js';
import { PARAMETERS } from '../../src/engine/passwords/passwords.js';
import { MikroORM } from '@mikro-orm/postgresql';
import type { Transport } from '../../src/engine/access/role.js';
import { AccountEntity } from '../../src/engine/accounts/account.entity.js';
import { AccessTokens } from '../../src/engine/sessions/access-tokens.js';
import { RefreshTokens } from '../../src/engine/sessions/refresh-tokens.js';
import { SessionService } from '../../src/engine/sessions/session.service.js';
import { type Config, loadConfig } from '../../src/engine/config/config.js';
import { Hub } from '../../src/engine/realtime/fan-out/hub.js';
import { freePort } from '../../src/boot/free-port.js';
import { ListenError } from '../../src/boot/listen-error.js';
import { createDatabase, type TestDatabase } from './database.js';
import { GraphqlClient } from './graphql-client.js';
import { assertNothingFound, scan } from './log-scan.js';
import { SocketClient } from './socket-client.js';
import { until } from './wait.js';
import { service } from '../../src/boot/service.js';

export const PASSWORD = 'a password of the tests';
export const SECRET = Buffer.alloc(32, 'tidings tests: one known secret').toString('base64');

/**
 * Opening a connection costs as much CPU as 200 statements. Tests of lock waits inside PostgreSQL use the default of
 * 20.
 */
export const POOL_SIZE = '5';

const DEFAULTS = {
  NODE_ENV: 'test',
  DATA_DIR: join(tmpdir(), 'tidings-test-unused'),
  APP_SECRET: SECRET,
  DATABASE_POOL_SIZE: POOL_SIZE,
  RATE_LIMITS: 'off',
  LOG_LEVEL: 'warn',
};

/** A signed-in account with its clients. */
export class Person extends GraphqlClient {
  private readonly sockets: SocketClient[] = [];

  constructor(
    url: string,
    readonly id: string,
    readonly email: string,
    token: string,
    readonly refreshToken: string,
    readonly sessionId: string,
  ) {
    super(url, token);
  }

  /** A stock WebSocket client, closed when the service stops. */
  socket(url = this.url): SocketClient {
    const socket = new SocketClient(url, this.accessToken);
    this.sockets.push(socket);
    return socket;
  }

  async leave(): Promise<void> {
    await Promise.all(this.sockets.map((socket) => socket.close()));
  }
}

export interface TidingsOptions {
  /** Environment variables, overriding the test defaults. */
  readonly env?: Readonly<Record<string, string>>;
  /** Starts another instance on this database. */
  readonly database?: TestDatabase;
  /** Directory of the built pages; default: the project's. */
  readonly web?: string;
}

/** The service and its database. `stop` releases everything, and fails if a secret was logged. */
export class TestTidings {
  /** Warnings and errors logged by the service, one entry per line. */
  readonly logged: string[] = [];
  private readonly people: Person[] = [];
  private running!: Tidings;

  private constructor(
    readonly config: Config,
    readonly database: TestDatabase,
    private readonly ownsDatabase: boolean,
  ) {}

  static async start({ env = {}, database, web }: TidingsOptions = {}): Promise<TestTidings> {
    const own = database ?? (await createDatabase());
    for (;;) {
      const variables = { ...DEFAULTS, PORT: String(await freePort('127.0.0.1')), DATABASE_URL: own.url, ...env };
      const config = loadConfig(variables, service);
      const tidings = new TestTidings(config, own, !database);
      try {
        tidings.running = await startTidings(config, own.url, recorder(tidings.logged, variables), web ? { web } : {});
        return tidings;
      } catch (error) {
        // Another process may take the port before the service binds it.
        if (!(error instanceof ListenError) || 'PORT' in env) throw error;
      }
    }
  }

  get url(): string {
    return this.running.url;
  }

  get app(): Tidings['app'] {
    return this.running.app;
  }

  /** A client without credentials. */
  get anonymous(): GraphqlClient {
    return new GraphqlClient(this.url);
  }

  /** Resolves when this instance has `count` active subscriptions; they receive everything committed later. */
  watching(count: number): Promise<void> {
    return until(() => this.app.get(Hub).size === count, `${count} subscriptions were open`);
  }

  /** Creates an account with this role and signs it in. */
  async asUser(role: 'USER' | 'EDITOR' | 'ADMIN' = 'USER', name = `Test ${role.toLowerCase()}`): Promise<Person> {
    const id = randomUUID();
    const email = `${id}@example.com`;
    await this.database.query(
      'insert into account (id, email, name, role, password_hash) values ($1, $2, $3, $4, $5)',
      [id, email, name, role, await passwordHash],
    );
    return this.signIn(id, email);
  }

  /** Opens another session without verifying the password, which would dominate the duration of most tests. */
  async signIn(id: string, email: string, url = this.url, transport: Transport = 'BODY'): Promise<Person> {
    const em = this.app.get(MikroORM).em.fork();
    const known = await em.findOneOrFail(AccountEntity, id);
    const { account, session } = await this.app.get(SessionService).open(em, known, CLIENT, transport);
    const { token } = this.app.get(AccessTokens).issue(id, session.id, account.role, session.idleExpiresAt);
    const refreshToken = this.app.get(RefreshTokens).make(session.id, session.generation, session.seed);
    const person = new Person(url, id, email, token, refreshToken, session.id);
    this.people.push(person);
    return person;
  }

  /** Opens another session with the account's password. */
  async login({ email }: Pick<Person, 'email'>): Promise<Person> {
    const login =
      'mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken user { id } session { id } } }';
    const { login: opened } = await this.anonymous.data(login, { input: { email, password: PASSWORD } });
    const { accessToken, refreshToken, user, session } = opened;
    const person = new Person(this.url, user.id, email, accessToken, refreshToken, session.id);
    this.people.push(person);
    return person;
  }

  async stop(): Promise<void> {
    await Promise.all(this.people.map((person) => person.leave()));
    await this.running.stop();
    if (this.ownsDatabase) await this.database.drop();
    assertNothingFound();
  }
}

/** Starts the service in beforeAll and stops it in afterAll, for a file or a `describe`. */
export function useTidings(options: () => TidingsOptions | Promise<TidingsOptions> = () => ({})): {
  readonly current: TestTidings;
} {
  let tidings: TestTidings | undefined;
  beforeAll(async () => {
    tidings = await TestTidings.start(await options());
  });
  afterAll(async () => {
    await tidings?.stop();
    tidings = undefined;
  });
  return {
    get current() {
      if (!tidings) throw new Error('The service is only there while tests run');
      return tidings;
    },
  };
}

/** The client address and user agent of sessions opened by tests. */
const CLIENT = { address: '127.0.0.1', userAgent: 'node' };

/** Production parameters of the password hash. Tests use cheaper ones. */
export const OWN_PARAMETERS = { ...PARAMETERS };
Object.assign(PARAMETERS, { memoryCost: 8, timeCost: 1 });
const passwordHash = hash(PASSWORD, PARAMETERS);

/** A logger that keeps warnings and errors and scans every level for secrets. */
function recorder(lines: string[], env: Readonly<Record<string, string>>): LoggerService {
  const scanned = (...parts: unknown[]): string => {
    const line = parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(' ');
    scan(line, env);
    return line;
  };
  const record = (...parts: unknown[]) => void lines.push(scanned(...parts));
  return { log: scanned, debug: scanned, verbose: scanned, warn: record, error: record, fatal: record };
}
