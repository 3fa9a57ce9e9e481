// From a `User-Agent` to words for people: "Firefox 142 on Windows". What it says is the client's own claim.
import { BROWSER_MAP, parse } from 'bowser';

/** Characters of an agent that are looked at, and of a device that is shown. */
const MAX_AGENT = 512;
const MAX_DEVICE = 80;

/** Control characters, lone surrogates, and what takes no place on a screen or turns the direction of the text. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}]+/gu;
/** The first product of an agent and its version (RFC 9110, section 10.1.5). */
const PRODUCT = /^([\w!#$%&'*+.^`|~-]+)(?:\/([\w.+-]+))?/;
/** What browsers have said first for thirty years, whichever they are. */
const ANY_BROWSER = /^Mozilla\//;
/** For an agent that it does not know the library guesses: only its own names are believed. */
const KNOWN: ReadonlySet<string> = new Set(Object.values(BROWSER_MAP));

/**
 * The browser and system that `userAgent` names, or else its first product, `curl 8.5`; one line of at most 80 characters
 * without any that cannot be seen. Null when the agent is absent or says nothing.
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

/** Versions as people say them: two numbers at most, and no zero behind. */
function named(name: string | undefined, version: string | undefined): string | undefined {
  if (!name?.trim()) return undefined;
  const [, spoken] = /^(\d{1,6}(?:\.\d{1,6})?)/.exec(version ?? '') ?? [];
  return spoken ? `${name} ${spoken.replace(/\.0+$/, '')}` : name;
}
