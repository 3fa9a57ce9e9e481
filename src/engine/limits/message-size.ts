// Size limits of a request, over HTTP and sockets.

/**
 * Largest request body and socket message that is executed, in bytes. Admits the longest valid input in its longest usual encoding:
 * a character is a code point after NFC, which may stand for several before it, each of them a `\u` escape of a query literal
 * whose backslash JSON escapes again: up to 42 bytes per character.
 */
export const MAX_MESSAGE_BYTES = 1024 * 1024;

/** Largest socket message that is received, in bytes, so that one beyond {@link MAX_MESSAGE_BYTES} gets an error response. */
export const MAX_RECEIVED_BYTES = 4 * MAX_MESSAGE_BYTES;

/** Error message for larger requests. */
export const TOO_LARGE = `The request is larger than ${MAX_MESSAGE_BYTES / 1024} KiB.`;
