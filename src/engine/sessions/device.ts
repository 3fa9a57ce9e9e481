// Describes a `User-Agent` in words: "Firefox 142 on Windows". The client can claim anything.
import { BROWSER_MAP, parse } from 'bowser';

/** Characters that are read of an agent, and shown of a device. */
const MAX_AGENT = 512;
const MAX_DEVICE = 80;

/** Control characters, lone surrogates, and characters that are invisible or change the text direction. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]+/gu;
/** The first product of an agent and its version (RFC 9110, section 10.1.5). */
const PRODUCT = /^([\w!#$%&'*+.^`|~-]+)(?:\/([\w.+-]+))?/;
/** The first product of every browser. */
const ANY_BROWSER = /^Mozilla\//;
/** For unknown agents the library guesses, so only its own names are accepted. */
const KNOWN: ReadonlySet<string> = new Set(Object.values(BROWSER_MAP));

/**
 * The browser and system of `userAgent`, or else its first product such as `curl 8.5`; one line of at most 80 visible
 * characters. Null when the agent is absent or empty.
 */
export function deviceOf(userAgent: string | null | undefined): string | null {
  const agent = (userAgent ?? '').slice(0, MAX_AGENT).replace(UNSEEN, ' ').trim();
  if (agent === '') return null;
  const { browser, os } = parse(agent);
  const known = browser.name !== undefined && KNOWN.has(browser.name);
  const program = (known && named(browser.name, browser.version)) || productOf(agent);
  const device = os.name ? `${program} on ${os.name}` : program;
  return [...device.replace(/\s+/g, ' ')].slice(0, MAX_DEVICE).join('').trim();
}

function productOf(agent: string): string {
  if (ANY_BROWSER.test(agent)) return 'Unknown browser';
  const [, name, version] = PRODUCT.exec(agent) ?? [];
  return named(name, version) ?? agent;
}

/** At most two numbers, without trailing zeros. */
function named(name: string | undefined, version: string | undefined): string | undefined {
  if (!name?.trim()) return undefined;
  const [, spoken] = /^(\d{1,6}(?:\.\d{1,6})?)/.exec(version ?? '') ?? [];
  return spoken ? `${name} ${spoken.replace(/\.0+$/, '')}` : name;
}
