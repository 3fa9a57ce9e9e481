// One sign-in to a server by the wire protocol (SCRAM-SHA-256, RFC 5802 and 7677), to learn whether it is ours. It proves
// both sides: the server only knows how to answer if it holds our password. Queries are the ORM's business, not this.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** `refused`: not this password. `no-database`: the password is right, the database is missing. */
export type SignIn = 'ok' | 'refused' | 'no-database' | 'unreachable';

const PATIENCE_MS = 5_000;
const PROTOCOL_3_0 = 196_608;

/** Signs in once and leaves again. Never throws. */
export async function signIn(port: number, user: string, database: string, password: string): Promise<SignIn> {
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('timeout')));
  socket.once('connect', () => {
    const body = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
    socket.write(Buffer.concat([int32(body.length + 8), int32(PROTOCOL_3_0), body]));
  });
  try {
    return await converse(socket, password);
  } catch {
    return 'unreachable';
  } finally {
    socket.end(message('X', Buffer.alloc(0)));
    socket.destroySoon();
  }
}

async function converse(socket: Socket, password: string): Promise<SignIn> {
  const scram = new Scram(password);
  let proven = false;
  for await (const { type, body } of messages(socket)) {
    if (type === 'Z') return proven ? 'ok' : 'refused';
    if (type === 'E') return errorMeaning(body);
    if (type !== 'R') continue;
    const [step, data] = [body.readInt32BE(0), body.subarray(4).toString('utf8')];
    if (step === 10) {
      const first = Buffer.from(scram.first);
      socket.write(message('p', Buffer.concat([Buffer.from('SCRAM-SHA-256\0'), int32(first.length), first])));
    } else if (step === 11) {
      socket.write(message('p', Buffer.from(scram.final(data))));
    } else if (step === 12) {
      proven = scram.proves(data);
    }
  }
  return 'unreachable';
}

function errorMeaning(body: Buffer): SignIn {
  const fields = body.toString('utf8').split('\0');
  const code = fields.find((field) => field.startsWith('C'))?.slice(1) ?? '';
  if (code === '3D000') return 'no-database';
  return code.startsWith('28') ? 'refused' : 'unreachable'; // class 28: invalid authorization
}

class Scram {
  private readonly nonce = randomBytes(18).toString('base64');
  private readonly bare = `n=,r=${this.nonce}`;
  readonly first = `n,,${this.bare}`;
  private signature: Buffer = Buffer.alloc(0);

  constructor(private readonly password: string) {}

  final(serverFirst: string): string {
    const told = attributes(serverFirst);
    if (!told.r?.startsWith(this.nonce)) throw new Error('another nonce');
    const salted = pbkdf2Sync(this.password, Buffer.from(told.s ?? '', 'base64'), Number(told.i), 32, 'sha256');
    const clientKey = hmac(salted, 'Client Key');
    const unproven = `c=biws,r=${told.r}`;
    const said = `${this.bare},${serverFirst},${unproven}`;
    const mask = hmac(createHash('sha256').update(clientKey).digest(), said);
    this.signature = hmac(hmac(salted, 'Server Key'), said);
    return `${unproven},p=${Buffer.from(clientKey.map((byte, index) => byte ^ (mask[index] ?? 0))).toString('base64')}`;
  }

  proves(serverFinal: string): boolean {
    const given = Buffer.from(attributes(serverFinal).v ?? '', 'base64');
    return given.length === this.signature.length && given.length > 0 && timingSafeEqual(given, this.signature);
  }
}

function attributes(text: string): Partial<Record<string, string>> {
  return Object.fromEntries(text.split(',').map((pair) => [pair.slice(0, 1), pair.slice(2)]));
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

function message(type: string, body: Buffer): Buffer {
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

async function* messages(socket: Socket): AsyncGenerator<{ type: string; body: Buffer }> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of socket) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    while (rest.length >= 5 && rest.length >= 1 + rest.readInt32BE(1)) {
      const end = 1 + rest.readInt32BE(1);
      yield { type: String.fromCharCode(rest[0] ?? 0), body: rest.subarray(5, end) };
      rest = rest.subarray(end);
    }
  }
}
