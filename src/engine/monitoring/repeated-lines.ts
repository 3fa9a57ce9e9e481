// Limits repeated log lines: of lines that differ only in numbers and ids, a few are written per window, then one with the number of
// suppressed ones.

/** ms of a window, equal lines written in it, and different lines that are distinguished. */
const WINDOW_MS = 10_000;
const MAX_EQUAL = 10;
const MAX_KINDS = 500;
/** Characters compared of a line. */
const MAX_KEY = 300;

/** Ids, and numbers of any kind. */
const VARIABLE_PART = /[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g;

export class RepeatedLines {
  private readonly counts = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;

  /** `report` is called with a line for each kind that was suppressed. */
  constructor(private readonly report: (line: string) => void) {}

  /** Whether to write this line. `kind`: its level and context. */
  admits(kind: string, message: unknown): boolean {
    const text = `${kind}: ${String(message).slice(0, MAX_KEY)}`.replaceAll(VARIABLE_PART, '#');
    const isKnown = this.counts.has(text) || this.counts.size < MAX_KINDS;
    const key = isKnown ? text : `${kind}: other lines`;
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    this.timer ??= setTimeout(() => this.close(), WINDOW_MS).unref();
    return count <= MAX_EQUAL;
  }

  /** Ends the window. */
  close(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const counts = [...this.counts];
    this.counts.clear();
    for (const [key, count] of counts) {
      if (count > MAX_EQUAL) this.report(`${count - MAX_EQUAL} more lines like this in ${WINDOW_MS / 1_000} s: ${key}`);
    }
  }
}
