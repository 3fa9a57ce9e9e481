// Extracts the fenced code blocks of a documentation page.
import { readFileSync } from 'node:fs';

export interface Block {
  readonly path: string;
  /** Line number of the opening fence. */
  readonly line: number;
  /** Info string of the fence. */
  readonly language: string;
  readonly text: string;
}

/** All fenced blocks of the page at `path`. */
export function blocksOf(path: string): Block[] {
  const blocks: Block[] = [];
  const lines = readFileSync(path, 'utf8').split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const fence = /^(?<indent> *)(?<ticks>`{3,})(?<language>.*)$/.exec(lines[at]!)?.groups;
    if (!fence) continue;
    const { indent = '', ticks = '', language = '' } = fence;
    const end = lines.indexOf(indent + ticks, at + 1);
    if (end < 0) throw new Error(`${path}:${at + 1}: this block has no end`);
    const text = lines.slice(at + 1, end).map((line) => line.slice(indent.length));
    blocks.push({ path, line: at + 1, language: language.trim(), text: `${text.join('\n')}\n` });
    at = end;
  }
  return blocks;
}

/** The file name given by a first line such as `// name.mjs`. */
export function fileNameOf({ text }: Block): string | undefined {
  return /^\/\/ ([\w./-]+\.(?:mjs|jsx?|tsx?))\n/.exec(text)?.[1];
}
