// How many bytes one request may have, over HTTP and over a socket alike.

/**
 * Largest request body and largest socket message that is executed, in bytes. It admits the longest valid input of the API in its
 * worst usual encoding: a character is a code point after NFC, which may stand for several before it, and each of those may be a `\u`
 * escape of a query literal, with its backslash escaped once more by JSON. That is up to 42 bytes a character.
 */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Largest socket message that is received at all, in bytes, so that one beyond {@link MAX_MESSAGE_BYTES} can be answered by an error. */
export const MAX_RECEIVED_BYTES = 4 * MAX_MESSAGE_BYTES;

/** Bytes of such a message in which the id of its operation is looked for: stock clients send it first. */
export const BEGINNING_BYTES = 1_024;

/** What a client is told of a request that is larger. */
export const TOO_LARGE = `The request is larger than ${MAX_MESSAGE_BYTES / 1024} KiB.`;
