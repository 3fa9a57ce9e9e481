// Formats frames as text, and filters them.
import { gist } from './explain.js';
import { type Frame, isPing } from './frames.js';

const two = (value: number): string => String(value).padStart(2, '0');

/** Local time of day, with ms. */
export function clockTime(at: number): string {
  const date = new Date(at);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return `${time}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

/** Formats a number of bytes. */
export const sizeText = (bytes: number): string =>
  bytes < 1_000
    ? `${bytes} B`
    : bytes < 100_000
      ? `${(bytes / 1_000).toFixed(1)} kB`
      : `${Math.round(bytes / 1_000)} kB`;

export const wayText = ({ way }: Frame): string => ({ out: '→', in: '←', state: '·' })[way];

export const wayWords = ({ way }: Frame): string =>
  ({ out: 'to the service', in: 'from the service', state: 'of the connection' })[way];

export const placeText = ({ socket }: Frame): string => (socket === 0 ? 'HTTP' : `socket ${socket}`);

/** Whether a frame contains all words of a filter, case-insensitive. Pings only match with `withPings`. */
export function matches(frame: Frame, filter: string, withPings: boolean): boolean {
  if (!withPings && isPing(frame)) return false;
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const { type, id, operation, text } = frame;
  const all = [type, id && `#${id}`, operation, placeText(frame), gist(frame), text].join(' ').toLowerCase();
  return words.every((word) => all.includes(word));
}

/** One line per frame, followed by its contents, oldest first. */
export const asText = (frames: readonly Frame[]): string =>
  frames
    .map((frame) => {
      const { at, type, id, size, text } = frame;
      const head = [new Date(at).toISOString(), placeText(frame), wayText(frame), type, id && `#${id}`];
      return [...head.filter(Boolean), size > 0 && sizeText(size), gist(frame), text].filter(Boolean).join('  ');
    })
    .join('\n');
