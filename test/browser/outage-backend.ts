// The service as a process with an embedded PostgreSQL. Tests can stop and restart each.
import { chmodSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/boot/free-port.js';
import {
  type EmbeddedPostgres,
  removeEmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/embedded-postgres/embedded-postgres.js';
import { GraphqlClient } from '../support/graphql-client.js';
import { killAll, ServiceProcess } from '../support/process.js';
import { SECRET } from '../support/tidings.js';

export const EMAIL = 'ada@example.com';
export const PASSWORD = 'pages survive what services do not';
export const POST = 'mutation ($i: PostUpdateInput!) { postUpdate(input: $i) { id } }';

export class OutageBackend {
  /** Client signed in as EMAIL. */
  author!: GraphqlClient;
  postgres!: EmbeddedPostgres;
  service!: ServiceProcess;

  private constructor(
    private readonly variables: Readonly<Record<string, string>>,
    private readonly dataDir: string,
    private readonly postgresPort: number,
  ) {}

  /** `variables`: environment of the service, including PORT. */
  static async start(variables: Readonly<Record<string, string>>): Promise<OutageBackend> {
    const dataDir = realpathSync(mkdtempSync(join(tmpdir(), 'tidings-outages-')));
    chmodSync(dataDir, 0o755);
    const backend = new OutageBackend(variables, dataDir, await freePort('127.0.0.1'));
    await backend.startPostgres();
    await backend.startService();
    const url = `http://127.0.0.1:${variables['PORT']}`;
    const register = 'mutation ($i: RegisterInput!) { register(input: $i) { accessToken } }';
    const i = { name: 'Ada', email: EMAIL, password: PASSWORD };
    backend.author = new GraphqlClient(url, (await new GraphqlClient(url).data(register, { i })).register.accessToken);
    return backend;
  }

  async startPostgres(): Promise<void> {
    this.postgres = await startEmbeddedPostgres({ dataDir: this.dataDir, choosePort: async () => this.postgresPort });
  }

  startInstance(variables: Record<string, string> = {}): Promise<ServiceProcess> {
    return ServiceProcess.start({
      DATABASE_URL: this.postgres.url,
      DATA_DIR: join(this.dataDir, 'unused'),
      APP_SECRET: SECRET,
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'warn',
      ...this.variables,
      ...variables,
    });
  }

  async startService(): Promise<void> {
    this.service = await this.startInstance();
  }

  async stop(): Promise<void> {
    await killAll();
    await this.postgres.stop();
    await removeEmbeddedPostgres(this.dataDir);
    rmSync(this.dataDir, { recursive: true, force: true });
  }
}
