// Reads the body of a request as bytes. A body that is too large is refused at once, without waiting for its end, which may
// never come.
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Request, RequestHandler } from 'express';
import { MAX_MESSAGE_BYTES } from '../../limits/message-size.js';

const DECODERS = new Map([
  ['gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);

/** Puts a body of JSON into `request.body`. Bounded are its bytes as they are sent, and as they are decoded. */
export const readBody: RequestHandler = async (request, _response, next) => {
  // Express handles the errors that this throws.
  if (request.is('application/json')) {
    if (Number(request.headers['content-length'] ?? 0) > MAX_MESSAGE_BYTES) throw tooLarge();
    request.body = await read(request);
  }
  next();
};

async function read(request: Request): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase();
  const decoder = DECODERS.get(encoding)?.();
  if (!decoder && encoding !== 'identity') throw refusal(415, 'encoding.unsupported');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const chunks: Buffer[] = [];
  const bounded = (keep?: Buffer[]) => {
    let bytes = 0;
    return (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_MESSAGE_BYTES) reject(tooLarge());
      else keep?.push(chunk);
    };
  };
  const source = decoder ?? request;
  if (decoder) request.on('data', bounded()).pipe(decoder);
  source.on('data', bounded(chunks));
  source.once('end', () => resolve(Buffer.concat(chunks)));
  source.once('error', () => reject(refusal(400, 'unreadable')));
  request.once('close', () => {
    if (!request.complete) reject(refusal(400, 'unreadable'));
  });
  try {
    return await promise;
  } finally {
    if (decoder) {
      request.unpipe(decoder);
      // The rest may not decode, and is no longer needed.
      decoder.on('error', () => {}).destroy();
    }
    request.resume();
  }
}

const refusal = (status: number, type: string) => Object.assign(new Error(type), { status, type });
const tooLarge = () => refusal(413, 'entity.too.large');
