// Documents as text: whatever form they come in. Knows no schema.
// oxlint-disable-next-line typescript/no-explicit-any -- JSON of whatever the document asks for
export type Json = any;
export type Variables = Readonly<Record<string, unknown>>;

/** What codegen puts on documents: the types of their data and variables. */
export interface Typed<Data, Vars> {
  __apiType?: (variables: Vars) => Data;
}

/** Text, a `DocumentNode`, or a typed document of codegen in either form. */
export type Document<Data = Json, Vars = Variables> =
  | string
  | (Typed<Data, Vars> & { readonly kind: string; readonly definitions: readonly unknown[] })
  | (Typed<Data, Vars> & { readonly charAt: (index: number) => string; toString(): string });

export type AnyDocument = Document<unknown, never>;

// oxlint-disable-next-line typescript/no-explicit-any -- a node of `graphql`, which need not be there
type Printer = (document: any) => string;
let printer: Printer = ({ loc }) => {
  if (loc) return loc.source.body as string;
  throw new TypeError('Print this DocumentNode, or set documentMode: "string" in codegen.');
};

/** Apollo brings what prints its documents. */
export const printWith = (print: Printer): void => void (printer = print);

/** The text to send. */
export const textOf = (document: AnyDocument): string =>
  typeof document === 'string' ? document : 'kind' in document ? printer(document) : String(document);

/** Inputs that have an `idempotencyKey`. */
const KEYED = /\$(\w+) *: *Post(?:Update|Comment)Input\b/g;

/** `query`, `mutation` or `subscription`: what the first operation of a text is. */
export const typeOf = (text: string): string => /^(?:[\s,]|#.*)*(\w*)/.exec(text)?.[1] || 'query';

/** Variables of a mutation that take an `idempotencyKey`; undefined: not all of its root fields have one. */
export function keyedInputs(text: string): string[] | undefined {
  const names = [...text.matchAll(KEYED)].map(([, name]) => name!);
  let outline = text.replace(/"(?:[^"\\]|\\.)*"?|#.*/g, '');
  // What stands within parentheses and inner braces, from inside out; then the root fields are left.
  for (let before; before !== outline;)
    outline = (before = outline).replace(/\([^()]*\)/g, '').replace(/(\{[^{}]*)\{[^{}]*\}/g, '$1');
  const fields = /\{([^}]*)/.exec(outline)?.[1]?.match(/\w+(?!\w* *:)|\.\.\./g) ?? [];
  return names.length > 0 && fields.length === names.length ? names : undefined;
}

/** Whether a subscription can go on where it was: it takes `$after` and says `cursor`. */
export const canResume = (text: string): boolean => /\$after\b/.test(text) && /\bcursor\b/.test(text);
