// Parses documents so that they can be kept: counts tokens, and stores positions without the chain of tokens that graphql-js
// attaches to every node (about half of the memory of a parsed document).
/* oxlint-disable no-underscore-dangle -- these are the names of graphql-js */
import type { DocumentNode, Location, Token } from 'graphql';
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

class CompactParser extends Parser {
  override node<T extends { loc?: Location }>(startToken: Token, node: T): T {
    if (this._options.noLocation) return node;
    const { lastToken, source } = this._lexer;
    node.loc = { start: startToken.start, end: lastToken.end, source } as Location;
    return node;
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
  let lines = 0;
  for (const lineBreak of ['\n', '\r']) {
    for (let at = text.indexOf(lineBreak); at >= 0; at = text.indexOf(lineBreak, at + 1)) lines += 1;
  }
  return text.length + lines * SCAN_PER_LINE;
}
