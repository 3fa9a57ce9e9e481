// For benchmarks with several instances: a private PostgreSQL and Redis, and sessions without sign-in.
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MikroORM } from '@mikro-orm/postgresql';
import { NestFactory } from '@nestjs/core';
import { service } from '../dist/src/boot/service.js';
import { domainOf } from '../dist/src/domain-parts.js';
import { AccountService } from '../dist/src/engine/accounts/account.service.js';
import { Passwords } from '../dist/src/engine/passwords/passwords.js';
import { loadConfig } from '../dist/src/engine/config/config.js';
import { EngineModule } from '../dist/src/engine/engine.module.js';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '../dist/src/embedded-postgres/embedded-postgres.js';
import { AccessTokens } from '../dist/src/engine/sessions/access-tokens.js';
import { SessionService } from '../dist/src/engine/sessions/session.service.js';

/** Starts both; `env` is what every instance over them needs. `stop` ends them and leaves nothing behind. */
export async function startBackends() {
  const directory = await mkdtemp(join(tmpdir(), 'tidings-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(directory, 'postgres') });
  const port = await freePort();
  const redis = spawn('redis-server', ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', directory]);
  const exited = once(redis, 'exit');
  for await (const line of redis.stdout) if (String(line).includes('Ready to accept connections')) break;
  process.once('exit', () => redis.kill('SIGKILL'));
  return {
    env: {
      DATABASE_URL: postgres.url,
      REDIS_URL: `redis://127.0.0.1:${port}`,
      APP_SECRET: randomBytes(32).toString('base64'),
      DEMO: 'true',
    },
    async stopRedis() {
      redis.kill('SIGKILL');
      await exited;
    },
    async stop() {
      redis.kill('SIGKILL');
      await exited;
      await postgres.stop();
      await removeEmbeddedPostgres(join(directory, 'postgres'));
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/**
 * Opens one session for each of `count` new accounts, all of them VIEWERs of the project, and returns an access token of each. By the
 * service's own code, in this process: a sign-in would hash a password, 10 ms and more of CPU each, which is not what is measured.
 */
export async function openSessions(env, count, projectId, prefix = 'bench') {
  const module = EngineModule.forAdministration(loadConfig(env, service), env.DATABASE_URL, domainOf(false));
  const services = await NestFactory.createApplicationContext(module, { logger: ['error'], abortOnError: false });
  const orm = services.get(MikroORM);
  try {
    const passwordHash = await services.get(Passwords).hash('tidings-bench');
    const client = { address: '127.0.0.1', userAgent: 'bench' };
    return await orm.em.fork().transactional(async (em) => {
      const tokens = [];
      for (let at = 0; at < count; at += 1) {
        const email = `${prefix}-${at}@example.com`;
        const made = { name: `Bench ${at}`, email, role: 'USER', passwordHash };
        const account = await services.get(AccountService).create(em, made);
        // No node knows the account yet, so nothing has to be told of its membership.
        const membership =
          'insert into project_member (id, project_id, account_id, role) values (gen_random_uuid(), ?, ?, ?)';
        await em.execute(membership, [projectId, account.id, 'VIEWER']);
        const { session } = await services.get(SessionService).open(em, account, client, 'BODY');
        tokens.push(services.get(AccessTokens).issue(account.id, session.id, 'USER', session.idleExpiresAt).token);
      }
      return tokens;
    });
  } finally {
    await services.close();
    await orm.close(true);
  }
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
