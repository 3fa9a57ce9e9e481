// Parses documents so that they can be kept: counts tokens, and stores positions without the chain of tokens that graphql-js
// attaches to every node.
/* oxlint-disable no-underscore-dangle -- these are the names of graphql-js */
import { type DocumentNode, Kind, type Location, type Token } from 'graphql';
import { Parser } from 'graphql/language/parser.js';

export interface ParsedText {
  readonly document: DocumentNode;
  readonly tokens: number;
}

/**
 * For each error, graphql-js scans the text from its beginning to find the line. These bound one scan, in characters, for errors of
 * validation and for errors of fields; in longer documents nodes have no positions, and errors no locations.
 */
const MAX_SCAN = 100_000;
const MAX_FIELD_SCAN = 30_000;
/** Characters that take as long as one line break. */
const SCAN_PER_LINE = 25;

/** One empty list for all nodes. */
const NONE: readonly never[] = Object.freeze([]);
const LISTS = ['arguments', 'directives', 'selections', 'variableDefinitions', 'values', 'fields'] as const;

class CompactParser extends Parser {
  override node<T extends { loc?: Location }>(startToken: Token, node: T): T {
    trim(node);
    if (this._options.noLocation) return node;
    const { lastToken, source } = this._lexer;
    node.loc = { start: startToken.start, end: lastToken.end, source } as Location;
    return node;
  }
}

/** Copies of lists without the capacity that V8 has reserved for more entries. */
function trim(node: { kind?: string } & Partial<Record<(typeof LISTS)[number], readonly unknown[] | null>>): void {
  if (node.kind === Kind.NAME) return;
  for (const key of LISTS) {
    const list = node[key];
    if (list) node[key] = list.length > 0 ? list.slice() : NONE;
  }
}

export class TooManyTokensError extends Error {}

/** To be validated. Throws {@link TooManyTokensError}, or the syntax error of graphql-js. */
export function parseText(text: string, maxTokens: number): ParsedText {
  const parser = new CompactParser(text, { maxTokens, noLocation: scanOf(text) > MAX_SCAN });
  try {
    return { document: parser.parseDocument(), tokens: parser.tokenCount };
  } catch (error) {
    throw parser.tokenCount > maxTokens ? new TooManyTokensError() : error;
  }
}

/** Throws the syntax error of graphql-js. */
export function parseWithoutPositions(text: string): ParsedText {
  const parser = new CompactParser(text, { noLocation: true });
  return { document: parser.parseDocument(), tokens: parser.tokenCount };
}

/** `document`, parsed of `text`, as it is executed: any number of fields may fail. */
export function executable(document: DocumentNode, text: string): DocumentNode {
  const scan = scanOf(text);
  if (scan <= MAX_FIELD_SCAN || scan > MAX_SCAN) return document;
  return parseWithoutPositions(text).document;
}

function scanOf(text: string): number {
  let scan = text.length;
  for (const lineBreak of ['\n', '\r']) {
    for (let at = text.indexOf(lineBreak); at >= 0 && scan <= MAX_SCAN; at = text.indexOf(lineBreak, at + 1)) {
      scan += SCAN_PER_LINE;
    }
  }
  return scan;
}
