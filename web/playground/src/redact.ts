// Removes tokens and passwords before anything is shown or stored: in JSON, in GraphQL, and in strings of either inside JSON.

/** Names of secret fields, arguments, variables and headers, in lower case. */
const SECRET: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'accesstoken',
  'refreshtoken',
  'token',
  'password',
  'currentpassword',
  'newpassword',
]);

/** Replacement for a secret. */
export const HIDDEN = '[hidden]';

/** Access tokens, refresh tokens, API tokens and other bearer values, recognized by their format under any name. */
const TOKENS = /\b(?:eyJ[\w-]{8,}\.[\w.-]+|tr1\.[\w-]{36}\.[\w.-]+|tdk_[\w-]+|Bearer\s[\w.~+/=-]{16,})/g;
/** A name followed by a string, or a variable with a string as default. */
const ASSIGNED = /\b(\w{1,64})"?\s{0,9}:\s{0,9}(?:String!?\s{0,9}=\s{0,9})?"/g;
/** `password: $mine`: a variable that carries a secret under another name. */
const PASSED = /\b(\w{1,64})\s{0,9}:\s{0,9}\$(\w{1,64})/g;

/** Redacts GraphQL, JSON or any other text. `more`: further secret names in lower case, such as of variables. */
export function redactText(text: string, more: readonly string[] = []): string {
  let shown = '';
  let from = 0;
  for (const { 0: head, 1: name = '', index } of text.matchAll(ASSIGNED)) {
    const isSecret = SECRET.has(name.toLowerCase()) || more.includes(name.toLowerCase());
    if (!isSecret || index < from) continue;
    const quote = index + head.length - 1;
    shown += `${text.slice(from, quote)}"${HIDDEN}"`;
    from = endOfText(text, quote);
  }
  return (shown + text.slice(from)).replace(TOKENS, HIDDEN);
}

/** End of the GraphQL or JSON string that begins at `quote`. The string may be incomplete. */
function endOfText(text: string, quote: number): number {
  const isBlock = text.startsWith('"""', quote);
  if (isBlock) {
    const end = text.indexOf('"""', quote + 3);
    return end < 0 ? text.length : end + 3;
  }
  for (let at = quote + 1; at < text.length; at += 1) {
    if (text[at] === '"') return at + 1;
    if (text[at] === '\n') return at;
    if (text[at] === '\\') at += 1;
  }
  return text.length;
}

/** Names of the variables that a document passes to secret arguments. */
const secretVariables = (query: unknown): readonly string[] =>
  typeof query === 'string'
    ? [...query.matchAll(PASSED)]
        .filter(([, name]) => SECRET.has(name!.toLowerCase()))
        .map(([, , own]) => own!.toLowerCase())
    : [];

/** Redacts a JSON value. In an object with a document in `query`, also redacts the variables that the document uses as secrets. */
export function redact(value: unknown, more: readonly string[] = []): unknown {
  if (typeof value === 'string') return redactText(value, more);
  if (Array.isArray(value)) return value.map((entry) => redact(entry, more));
  if (typeof value !== 'object' || value === null) return value;
  const names = [...more, ...secretVariables((value as { query?: unknown }).query)];
  const isSecret = (name: string) => SECRET.has(name.toLowerCase()) || names.includes(name.toLowerCase());
  return Object.fromEntries(
    Object.entries(value).map(([name, entry]) =>
      typeof entry === 'string' && isSecret(name) ? [name, HIDDEN] : [name, redact(entry, names)],
    ),
  );
}

/** Redacts the text of a frame, a body or a storage entry, as JSON if it is valid. */
export function redactJson(text: string): string {
  try {
    return JSON.stringify(redact(JSON.parse(text)));
  } catch {
    return redactText(text);
  }
}
