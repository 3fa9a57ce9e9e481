// Finds Markdown code by the rules of CommonMark: code spans and fenced blocks. Indented text counts as text.

/** Prefix of a line: block quotes and list items. */
const PREFIX = /^[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?/;
const FENCE = /^(?:`{3,}|~{3,})/;
/** A line that starts another block, which ends a span. */
const NEW_BLOCK = /^[ \t]*(?:[-*+>]|\d{1,9}[.)]|#{1,6}[ \t])/;

interface Fence {
  readonly mark: string;
  readonly quoted: boolean;
}

/** `text` with the contents of its code removed. Linear. */
export function withoutCode(text: string): string {
  if (!/[`~]/.test(text)) return text;
  const kept: string[] = [];
  let block: string[] = [];
  let fence: Fence | undefined;
  const endBlock = (): void => {
    if (block.length > 0) kept.push(withoutSpans(block.join('\n')));
    block = [];
  };
  for (const line of text.split(/\r\n?|\n/)) {
    const [prefix] = PREFIX.exec(line)!;
    const rest = line.slice(prefix.length);
    if (fence?.quoted && !prefix.includes('>')) fence = undefined;
    if (fence) {
      if (closes(fence, rest)) fence = undefined;
      continue;
    }
    const mark = openingMark(rest);
    if (mark !== undefined || rest === '' || NEW_BLOCK.test(line)) endBlock();
    if (mark === undefined) block.push(line);
    else {
      fence = { mark, quoted: prefix.includes('>') };
      kept.push(prefix + mark);
    }
  }
  endBlock();
  return kept.join('\n');
}

/** The fence that opens a block; an info string after backticks has no backtick. */
function openingMark(rest: string): string | undefined {
  const mark = FENCE.exec(rest)?.[0];
  return mark?.startsWith('`') && rest.includes('`', mark.length) ? undefined : mark;
}

function closes({ mark }: Fence, rest: string): boolean {
  const own = FENCE.exec(rest)?.[0] ?? '';
  return own.startsWith(mark) && rest.slice(own.length).trim() === '';
}

/** A span is closed by the next run of equally many backticks; an unmatched run is text. */
function withoutSpans(block: string): string {
  const byLength = Map.groupBy(block.matchAll(/`+/g), ([run]) => run.length);
  // Newest first: positions before the current one are popped off the end.
  for (const runs of byLength.values()) runs.reverse();
  const marks = /\\[\\`]|`+/g;
  let kept = '';
  let from = 0;
  for (let found = marks.exec(block); found; found = marks.exec(block)) {
    const [run] = found;
    if (run.startsWith('\\')) continue;
    const runs = byLength.get(run.length) ?? [];
    while (runs.length > 0 && runs.at(-1)!.index < marks.lastIndex) runs.pop();
    const closing = runs.at(-1);
    if (!closing) continue;
    kept += block.slice(from, marks.lastIndex);
    from = closing.index;
    marks.lastIndex = closing.index + run.length;
  }
  return kept + block.slice(from);
}
