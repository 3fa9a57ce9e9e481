// An SMTP server for tests: it accepts mails, or simulates failures.
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import PostalMime, { type Email } from 'postal-mime';
import { SMTPServer } from 'smtp-server';
import { until } from './wait.js';

export interface Received {
  /** Envelope addresses: the actual sender and recipients. */
  readonly from: string;
  readonly recipients: readonly string[];
  readonly raw: string;
  readonly mail: Email;
}

/** Reply that rejects a recipient. */
export interface Refusal {
  readonly code: number;
  readonly message: string;
}

export class MailServer {
  readonly received: Received[] = [];
  /** Transactions begun by clients. */
  tries = 0;
  /** While set, every recipient is rejected with it. */
  refusal: Refusal | undefined;
  /** While true, mails are received but never acknowledged. */
  silent = false;
  private readonly server: SMTPServer;

  private constructor() {
    this.server = new SMTPServer({
      disabledCommands: ['STARTTLS', 'AUTH'],
      authOptional: true,
      closeTimeout: 100,
      onRcptTo: (_address, _session, answer) => {
        this.tries += 1;
        const { refusal } = this;
        answer(refusal && Object.assign(new Error(refusal.message), { responseCode: refusal.code }));
      },
      onData: (stream, { envelope }, answer) => {
        const chunks: Buffer[] = [];
        stream.on('data', (chunk: Buffer) => chunks.push(chunk));
        stream.once('end', () => {
          if (this.silent) return;
          const raw = Buffer.concat(chunks).toString();
          const from = envelope.mailFrom ? envelope.mailFrom.address : '';
          const recipients = envelope.rcptTo.map(({ address }) => address);
          void this.take(from, recipients, raw).then(answer);
        });
      },
    });
    // Clients that disconnect midway are part of the tests.
    this.server.on('error', () => {});
  }

  static async start(): Promise<MailServer> {
    const mails = new MailServer();
    mails.server.listen(0, '127.0.0.1');
    await once(mails.server.server, 'listening');
    return mails;
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`;
  }

  /** Mails for this recipient, once there are `count`. */
  async to(address: string, count = 1): Promise<Received[]> {
    const mine = (): Received[] => this.received.filter(({ recipients }) => recipients.includes(address));
    await until(() => mine().length >= count, `${count} mails to the recipient`);
    return mine();
  }

  private async take(from: string, recipients: readonly string[], raw: string): Promise<undefined> {
    this.received.push({ from, recipients, raw, mail: await PostalMime.parse(raw) });
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(resolve);
    });
  }
}

/** The token in the link of a mail. */
export function tokenIn(text: string | undefined): string {
  const token = /\/reset#token=([A-Za-z0-9_-]{43})\b/.exec(text ?? '')?.[1];
  if (!token) throw new Error('There is no reset link in this mail');
  return token;
}

/** The token of the only mail in an outbox folder, once it exists. */
export async function tokenInOutbox(folder: string): Promise<string> {
  const files = async (): Promise<string[]> =>
    (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.eml'));
  await until(async () => (await files()).length > 0, 'a mail in the outbox');
  const [name = ''] = await files();
  return tokenIn((await PostalMime.parse(await readFile(join(folder, name)))).text);
}
