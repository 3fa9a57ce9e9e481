// Mails: queued immediately, sent with retries by a real SMTP server or written to files, and never logged.
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Logger } from '@nestjs/common';
import PostalMime from 'postal-mime';
import type { Config } from '../src/engine/config/config.js';
import { loadConfig } from '../src/engine/config/config.js';
import { freePort } from '../src/boot/free-port.js';
import { senderOf } from '../src/engine/mail/mail-transport.js';
import type { Mail } from '../src/engine/mail/mail.js';
import { Metrics } from '../src/engine/monitoring/metrics.js';
import { Mailer } from '../src/engine/mail/mailer.js';
import { MailServer } from './support/smtp.js';
import { until } from './support/wait.js';
import { service } from '../src/boot/service.js';

let server: MailServer;
let folder: string;
const mailers: Mailer[] = [];
const logged: string[] = [];

const record = (...parts: unknown[]) => void logged.push(parts.map(String).join(' '));

beforeAll(() => {
  Logger.overrideLogger({ log: record, warn: record, error: record, debug: record, verbose: record, fatal: record });
});
beforeEach(async () => {
  server = await MailServer.start();
  folder = await mkdtemp(join(tmpdir(), 'tidings-mail-'));
  logged.length = 0;
});
afterEach(async () => {
  await Promise.all(mailers.splice(0).map((mailer) => mailer.onApplicationShutdown()));
  await server.stop();
  await rm(folder, { recursive: true });
});

function mailerWith(change: Partial<Config>): Mailer {
  const config = {
    ...loadConfig({ NODE_ENV: 'test', DATA_DIR: folder, PUBLIC_URL: 'https://news.example' }, service),
    ...change,
  };
  const mailer = new Mailer(config, new Metrics(config));
  mailers.push(mailer);
  return mailer;
}
const overSmtp = () => mailerWith({ smtpUrl: server.url });

const mail = (change: Partial<Mail> = {}): Mail => ({
  to: 'ada@example.com',
  subject: 'Grüße & <news>',
  paragraphs: ['First & <foremost>.', 'Second "paragraph".'],
  link: { label: 'Open it', url: 'https://news.example/there?a=1&b=2#token=x' },
  ...change,
});

describe('the limit of mails per hour', () => {
  it('per recipient drops further mails and logs it once', async () => {
    const mailer = overSmtp();
    for (let at = 0; at < 25; at += 1) mailer.queue(mail());
    mailer.queue(mail({ to: 'grace@example.com' }));
    // What is composed is a reset link: how many there are is bounded elsewhere.
    mailer.queue(async () => mail({ subject: 'A link' }));
    await server.to('grace@example.com');
    const got = await server.to('ada@example.com', 21);
    await mailer.onApplicationShutdown();
    expect(got).toHaveLength(21);
    expect(server.received).toHaveLength(22);
    expect(logged).toEqual([expect.stringContaining('Mails are dropped: the limit of this hour is reached')]);
  });

  it('per instance is MAILS_PER_HOUR, and none with RATE_LIMITS=off', async () => {
    const few = mailerWith({ smtpUrl: server.url, mailsPerHour: 3 });
    for (let at = 0; at < 5; at += 1) few.queue(mail({ to: `few${at}@example.com` }));
    await few.onApplicationShutdown();
    expect(server.received).toHaveLength(3);
    const all = mailerWith({ smtpUrl: server.url, mailsPerHour: 3, rateLimits: false });
    for (let at = 0; at < 5; at += 1) all.queue(mail({ to: `all${at}@example.com` }));
    await all.onApplicationShutdown();
    expect(server.received).toHaveLength(8);
  });
});

describe('SMTP delivery', () => {
  it('sends equal text and HTML parts', async () => {
    overSmtp().queue(mail());
    const [got] = await server.to('ada@example.com');
    expect(got!.from).toBe('tidings@news.example');
    expect(got!.mail).toMatchObject({
      subject: 'Grüße & <news>',
      from: { name: 'Tidings', address: 'tidings@news.example' },
      to: [{ address: 'ada@example.com' }],
    });
    expect(got!.mail.text).toContain('First & <foremost>.\n\nhttps://news.example/there?a=1&b=2#token=x\n\nSecond');
    expect(got!.mail.html).toContain('<p>First &amp; &lt;foremost&gt;.</p>');
    expect(got!.mail.html).toContain('<a href="https://news.example/there?a=1&amp;b=2#token=x">Open it</a>');
    expect(got!.mail.headers).toContainEqual(
      expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }),
    );
    expect(logged).toEqual([]);
  });

  it.each([
    'ada@example.com\r\nBcc: eve@example.com',
    'ada@example.com, eve@example.com',
    'Ada <eve@example.com>',
    'ada@example.com> NOTIFY=SUCCESS',
    '"ada, eve"@example.com',
    'ada@example.com\u2028',
    'ada',
    '',
  ])('refuses anything but one plain address: %j', async (to) => {
    const mailer = overSmtp();
    mailer.queue(mail({ to }));
    mailer.queue(mail({ to: 'next@example.com' }));
    await server.to('next@example.com');
    await until(() => logged.length > 0, 'the refusal was logged');
    expect(server.received).toHaveLength(1);
    expect(logged.join()).toMatch(/A mail was not sent: TypeError/);
    expect(logged.join()).not.toMatch(/ada|eve/);
  });

  it('does not let a subject inject headers', async () => {
    overSmtp().queue(mail({ subject: 'News\r\nBcc: eve@example.com\r\n\r\nAnother body' }));
    const [got] = await server.to('ada@example.com');
    expect(got!.recipients).toEqual(['ada@example.com']);
    expect(got!.mail.headers.map(({ key }) => key)).not.toContain('bcc');
    expect(got!.mail.text).toMatch(/^First/);
  });

  it('retries a temporary rejection', async () => {
    server.refusal = { code: 451, message: 'ada@example.com is greylisted' };
    overSmtp().queue(mail());
    await until(() => logged.length > 0, 'the first try failed');
    server.refusal = undefined;
    await server.to('ada@example.com');
    expect(server.tries).toBe(2);
    expect(logged).toEqual([expect.stringMatching(/could not be sent yet: EENVELOPE 451/)]);
  });

  it('gives up on a permanent rejection without logging the recipient', async () => {
    server.refusal = { code: 550, message: 'no such user: ada@example.com' };
    overSmtp().queue(mail());
    await until(() => logged.length > 0, 'it was given up');
    expect([server.tries, logged]).toEqual([1, [expect.stringMatching(/was not sent: EENVELOPE 550/)]]);
    expect(logged.join()).not.toMatch(/ada|Grüße|token/);
  });

  it('queues while the server is away and tries once more at shutdown', async () => {
    const gone = `smtp://127.0.0.1:${await freePort('127.0.0.1')}`;
    const mailer = mailerWith({ smtpUrl: gone });
    mailer.queue(mail());
    await until(() => logged.length > 0, 'the first try failed');
    await mailer.onApplicationShutdown();
    expect(logged).toEqual([
      expect.stringMatching(/could not be sent yet: ESOCKET/),
      expect.stringMatching(/was not sent: ESOCKET/),
    ]);
  });

  it('completes a queued mail at shutdown', async () => {
    const mailer = overSmtp();
    for (let n = 0; n < 20; n += 1) mailer.queue(mail({ to: `reader${n}@example.com` }));
    await mailer.onApplicationShutdown();
    expect(new Set(server.received.flatMap(({ recipients }) => recipients)).size).toBe(20);
  });

  it('does not block shutdown when the server never answers', async () => {
    server.silent = true;
    const mailer = overSmtp();
    for (let n = 0; n < 10; n += 1) mailer.queue(mail({ to: `reader${n}@example.com` }));
    await until(() => server.tries >= 4, 'the first were under way');
    await mailer.onApplicationShutdown();
    expect(logged).toHaveLength(10);
    for (const line of logged) expect(line).toMatch(/was not sent: STOPPING/);
  });

  it('drops mails beyond the queue limit without delaying the request', async () => {
    server.silent = true;
    const mailer = overSmtp();
    for (let n = 0; n < 1_003; n += 1) mailer.queue(mail());
    expect(logged).toEqual([expect.stringMatching(/Mails are dropped: too many/)]);
  });
});

describe('mails without SMTP_URL', () => {
  it('are written to private files outside production', async () => {
    const mailer = mailerWith({});
    mailer.queue(mail());
    await mailer.onApplicationShutdown();
    const outbox = join(folder, 'outbox');
    const files = await readdir(outbox);
    expect(files).toEqual([expect.stringMatching(/^\d{4}-\d\d-\d\dT.*\.eml$/)]);
    const modes = await Promise.all(
      [outbox, join(outbox, files[0]!)].map(async (path) => (await stat(path)).mode & 0o777),
    );
    expect(modes).toEqual([0o700, 0o600]);
    const parsed = await PostalMime.parse(await readFile(join(outbox, files[0]!)));
    expect([parsed.subject, parsed.to]).toEqual(['Grüße & <news>', [{ name: '', address: 'ada@example.com' }]]);
    expect(parsed.text).toContain('https://news.example/there?a=1&b=2#token=x');
  });

  it('are not sent in production, which is logged once, and no token is created', async () => {
    const mailer = mailerWith({ production: true });
    let made = 0;
    mailer.queue(mail());
    mailer.queue(async () => {
      made += 1;
      return mail();
    });
    await mailer.onApplicationShutdown();
    expect([made, logged, await readdir(folder)]).toEqual([0, [expect.stringContaining('mails are not sent')], []]);
  });
});

it.each([
  ['the host of PUBLIC_URL', { smtpUrl: undefined, publicUrl: 'https://news.example:8443' }, 'tidings@news.example'],
  ['an IPv4 address', { smtpUrl: undefined, publicUrl: 'http://127.0.0.1:4000' }, 'tidings@[127.0.0.1]'],
  ['an IPv6 address', { smtpUrl: undefined, publicUrl: 'http://[::1]:4000' }, 'tidings@[IPv6:::1]'],
  ['whom the server knows', { smtpUrl: 'smtps://post%40a.example:s@b', publicUrl: 'https://c' }, 'post@a.example'],
  ['no bare user name', { smtpUrl: 'smtps://apikey:s@b', publicUrl: 'https://c.example' }, 'tidings@c.example'],
])('the mail sender is %s', (_what, config, sender) => {
  expect(senderOf({ ...config, service })).toBe(sender);
});
