// Decodes APP_SECRET, and detects values that are not random. Accesses no file and no environment.

/** One entry of APP_SECRET. `weakness`: why it is evidently not random. */
export interface AppSecret {
  readonly key: Buffer;
  readonly weakness: string | undefined;
}

/** Minimum length; shorter secrets are always refused. */
export const SECRET_BYTES = 32;

const PLACEHOLDER = /change.?me|change.?this|secret|password|example|replace|placeholder|default/i;

/**
 * Reads one secret. Text of hex digits only is always hex (random base64 of this length never looks so), all else is
 * base64 or base64url, padded or not. Returns the reason, without any part of the text, when it is neither or too short.
 */
export function readSecret(text: string): AppSecret | string {
  const hex = /^[0-9a-f]+$/i.test(text);
  if (hex && text.length % 2 === 1) return 'has an odd number of hex digits: one was lost';
  const key = Buffer.from(text, hex ? 'hex' : 'base64');
  // Buffer.from skips invalid characters, so only input that re-encodes to the same text was valid.
  const unpadded = text
    .replace(/={1,2}$/, '')
    .replaceAll('+', '-')
    .replaceAll('/', '_');
  if (!hex && key.toString('base64url') !== unpadded) return 'is neither base64 nor hex';
  if (key.length < SECRET_BYTES) return `has fewer than ${SECRET_BYTES} bytes; make one with: openssl rand -base64 32`;
  return { key, weakness: weaknessOf(text, key, hex) };
}

/** Each test refuses fewer than one in a million of truly random secrets. */
function weaknessOf(text: string, key: Buffer, hex: boolean): string | undefined {
  if (PLACEHOLDER.test(text) || PLACEHOLDER.test(key.toString('latin1'))) return 'looks like a placeholder';
  if (key.every((byte) => byte >= 0x20 && byte < 0x7f)) return 'is encoded text, not random bytes';
  if (!hex && (text === text.toLowerCase() || text === text.toUpperCase())) return 'is a phrase, not random bytes';
  if (new Set(key).size < SECRET_BYTES / 2) return 'repeats itself';
  const steps = new Set(key.subarray(1).map((byte, i) => byte - (key[i] ?? 0)));
  return steps.size === 1 ? 'counts up or down' : undefined;
}
