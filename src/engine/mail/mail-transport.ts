// Delivers one mail: to the SMTP server, or outside production into a folder, or not at all. Retries are the caller's.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import type { Config } from '../config/config.js';
import { deliverableEmail } from './email-address.js';
import { htmlOf, type Mail, mailbox, textOf } from './mail.js';

/** Delivers one mail; rejects on failure, or when aborted by `signal`. */
export type MailTransport = (mail: Mail, signal: AbortSignal) => Promise<void>;

const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 20_000;

/** The delivery under `config`; undefined: none. */
export function mailTransportOf(config: Config): MailTransport | undefined {
  const from = { name: config.service.name, address: senderOf(config) };
  if (config.smtpUrl) return smtpTransport(config.smtpUrl, from);
  return config.production ? undefined : folderTransport(join(config.dataDir, 'outbox'), from);
}

interface Sender {
  readonly name: string;
  readonly address: string;
}

function smtpTransport(url: string, from: Sender): MailTransport {
  const timeouts = {
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: IDLE_TIMEOUT_MS,
  };
  const transport = createTransport({ url, ...timeouts });
  return async (mail, signal) => {
    await transport.sendMail({ ...message(mail, from), signal });
  };
}

/** One `.eml` file per mail, readable by the owner only, since mails contain reset links. Written atomically. */
function folderTransport(folder: string, from: Sender): MailTransport {
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
    // As an object, an address is used verbatim; as text it would be parsed as a list.
    to: { name: '', address: to },
    envelope: { from: from.address, to: [to] },
    subject: mail.subject,
    text: textOf(mail, from.name),
    html: htmlOf(mail, from.name),
    // RFC 3834: suppresses automatic replies.
    headers: { 'Auto-Submitted': 'auto-generated' },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

/** The user of the SMTP server, if that is an address; otherwise one at the host of PUBLIC_URL. */
export function senderOf({ service, smtpUrl, publicUrl }: Pick<Config, 'service' | 'smtpUrl' | 'publicUrl'>): string {
  const user = smtpUrl && decodeURIComponent(new URL(smtpUrl).username);
  if (user && isMailbox(user)) return user;
  const { hostname } = new URL(publicUrl);
  const local = service.prefix;
  // RFC 5321, 4.1.3: an address for a domain.
  if (hostname.startsWith('[')) return `${local}@[IPv6:${hostname.slice(1, -1)}]`;
  return /^[\d.]+$/.test(hostname) ? `${local}@[${hostname}]` : `${local}@${hostname}`;
}

function isMailbox(text: string): boolean {
  try {
    return mailbox(text) === text;
  } catch {
    return false;
  }
}
