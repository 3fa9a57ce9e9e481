// Where a mail goes: to the SMTP server, or outside production into a folder, or nowhere. It sends once and judges nothing.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Config } from '../config/config.js';
import { deliverableEmail } from './email-address.js';
import { htmlOf, type Mail, mailbox, textOf } from './mail.js';

/** Hands one mail over; rejects when that failed, or was given up by `signal`. */
export type Delivery = (mail: Mail, signal: AbortSignal) => Promise<void>;

const CONNECT_MS = 10_000;
const SILENCE_MS = 20_000;

/** How mails are delivered under `config`; undefined: not at all. */
export function deliveryOf(config: Config): Delivery | undefined {
  const from = { name: 'Tidings', address: senderOf(config) };
  if (config.smtpUrl) return overSmtp(config.smtpUrl, from);
  return config.production ? undefined : intoFolder(join(config.dataDir, 'outbox'), from);
}

interface Sender {
  readonly name: string;
  readonly address: string;
}

function overSmtp(url: string, from: Sender): Delivery {
  const timeouts = { connectionTimeout: CONNECT_MS, greetingTimeout: CONNECT_MS, socketTimeout: SILENCE_MS };
  const transport = createTransport({ url, ...timeouts });
  return async (mail, signal) => {
    await transport.sendMail({ ...message(mail, from), signal });
  };
}

/** A file each, `.eml`, for the owner alone: there are reset links in them. It appears whole or not at all. */
function intoFolder(folder: string, from: Sender): Delivery {
  const transport = createTransport({ streamTransport: true, buffer: true });
  return async (mail) => {
    const { message: bytes } = await transport.sendMail(message(mail, from));
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    const name = join(folder, `${new Date().toISOString().replaceAll(':', '-')}-${randomUUID().slice(0, 8)}`);
    await writeFile(`${name}.part`, bytes as Buffer, { mode: 0o600, flag: 'wx' });
    await rename(`${name}.part`, `${name}.eml`);
  };
}

function message(mail: Mail, from: Sender) {
  const to = mailbox(deliverableEmail(mail.to));
  return {
    from,
    // As an object an address is taken as it is; as text it would be parsed as a list.
    to: { name: '', address: to },
    envelope: { from: from.address, to: [to] },
    subject: mail.subject,
    text: textOf(mail),
    html: htmlOf(mail),
    // RFC 3834: no out-of-office replies to these.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** Whom the SMTP server knows, if that is an address; else one at the host of PUBLIC_URL. */
export function senderOf({ smtpUrl, publicUrl }: Pick<Config, 'smtpUrl' | 'publicUrl'>): string {
  const user = smtpUrl && decodeURIComponent(new URL(smtpUrl).username);
  if (user && isMailbox(user)) return user;
  const { hostname } = new URL(publicUrl);
  // RFC 5321, 4.1.3: an address for a domain.
  if (hostname.startsWith('[')) return `tidings@[IPv6:${hostname.slice(1, -1)}]`;
  return /^[\d.]+$/.test(hostname) ? `tidings@[${hostname}]` : `tidings@${hostname}`;
}

function isMailbox(text: string): boolean {
  try {
    return mailbox(text) === text;
  } catch {
    return false;
  }
}
