// Finds the operation id of a message that is too large to be parsed as JSON: in one pass over its bytes, wherever the id is.

/** Bytes of an id: it is repeated in every frame, and graphql-ws does not bound it. */
export const MAX_ID_BYTES = 128;

/** Bytes of the longest id as JSON: quotes, and six bytes per escaped character. */
const MAX_JSON_BYTES = 2 + 6 * MAX_ID_BYTES;

/** Bytes of JSON. White space is what is not greater than a space. */
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** The first member `id` of the JSON object in `message`; undefined unless it is a string of at most {@link MAX_ID_BYTES}. */
export function operationIdIn(message: Buffer): string | undefined {
  let depth = 0;
  let previous = 0;
  let isId = false;
  for (let at = 0; at < message.length; at += 1) {
    const byte = message[at]!;
    if (byte === QUOTE) {
      const end = endOfString(message, at);
      if (depth === 1 && previous === COLON && isId) return parseId(message.subarray(at, end));
      if (depth === 1 && previous !== COLON) isId = end - at === 4 && message.toString('latin1', at, end) === '"id"';
      at = end - 1;
    } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) depth += 1;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) depth -= 1;
    if (byte > SPACE) previous = byte;
  }
  return undefined;
}

/** The position after the closing quote of the string that starts at `start`. */
function endOfString(message: Buffer, start: number): number {
  for (let at = start + 1; at < message.length; at += 1) {
    const byte = message[at]!;
    if (byte === QUOTE) return at + 1;
    if (byte === BACKSLASH) at += 1;
  }
  return message.length;
}

function parseId(json: Buffer): string | undefined {
  if (json.length > MAX_JSON_BYTES) return undefined;
  try {
    const id = JSON.parse(json.toString()) as string;
    return Buffer.byteLength(id) <= MAX_ID_BYTES ? id : undefined;
  } catch {
    return undefined;
  }
}
