// Converts documents of all forms to text. Knows no schema.
// oxlint-disable-next-line typescript/no-explicit-any -- JSON of whatever the document asks for
export type Json = any;
export type Variables = Readonly<Record<string, unknown>>;

/** Type information that codegen attaches to documents. */
export interface Typed<Data, Vars> {
  __apiType?: (variables: Vars) => Data;
}

/** A string, a `DocumentNode`, or a typed document of codegen in either form. */
export type Document<Data = Json, Vars = Variables> =
  | string
  | (Typed<Data, Vars> & { readonly kind: string; readonly definitions: readonly unknown[] })
  | (Typed<Data, Vars> & { readonly charAt: (index: number) => string; toString(): string });

export type AnyDocument = Document<unknown, never>;

// oxlint-disable-next-line typescript/no-explicit-any -- a node of `graphql`, which need not be there
type Printer = (document: any) => string;
let printer: Printer = ({ loc }) => {
  if (loc) return loc.source.body as string;
  throw new TypeError('Set documentMode: "string" in codegen.');
};

/** Sets the function that prints `DocumentNode`s. `createApollo` sets the one of `graphql`. */
export const printWith = (print: Printer): void => void (printer = print);

/** The text of a document. */
export const textOf = (document: AnyDocument): string =>
  typeof document === 'string' ? document : 'kind' in document ? printer(document) : String(document);

/** Variables whose input types have an `idempotencyKey`. */
const KEYED = /\$(\w+) *: *Post(?:Update|Comment)Input\b/g;

/** Reduces a document to its operations and the names of their root fields. */
function outlineOf(text: string): string {
  let outline = text.replace(/"(?:[^"\\]|\\.)*"?|#.*/g, '');
  // Removes parentheses and inner braces from the inside out. The root fields remain.
  for (let before; before !== outline;)
    outline = (before = outline).replace(/\([^()]*\)/g, '').replace(/(\{[^{}]*)\{[^{}]*\}/g, '$1');
  return outline.replace(/\bfragment\s+\w+\s+on\b[^}]*\}/g, '');
}

/** Type of the operation with this name, or else of the first one: `query`, `mutation` or `subscription`. */
export function typeOf(text: string, name?: string | null): string {
  const all = [...outlineOf(text).matchAll(/(?:(\w+)\s*(\w*)[^{}]*)?\{[^}]*\}/g)];
  return (all.find((operation) => operation[2] === name) ?? all[0])?.[1] || 'query';
}

/** Variables of a mutation that take an `idempotencyKey`; undefined if a root field has none. */
export function keyedInputs(text: string): string[] | undefined {
  const names = [...text.matchAll(KEYED)].map(([, name]) => name!);
  const fields = /\{([^}]*)/.exec(outlineOf(text))?.[1]?.match(/\w+(?!\w* *:)|\.\.\./g) ?? [];
  return names.length > 0 && fields.length === names.length ? names : undefined;
}

/** Whether a subscription can resume: it takes `$after` and selects `cursor`. */
export const canResume = (text: string): boolean => /\$after\b/.test(text) && /\bcursor\b/.test(text);
