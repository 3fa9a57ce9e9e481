// Validates and normalizes e-mail addresses: RFC 5321 with IDNA domains. The local part is an ASCII dot-string, the domain is compared
// and used in its ASCII form.
import { domainToASCII, domainToUnicode } from 'node:url';

/** RFC 5321, 4.5.3.1: maximum octets of a local part, and of an address. */
const MAX_LOCAL = 64;
const MAX_ADDRESS = 254;

/** RFC 5321, 4.1.2: an atom, between the dots of a local part. */
const ATOMS = /^[\w!#$%&'*+/=?^`{|}~.-]+$/;
/** Letters and digits of any script, joiners and dots of IDNA. The conversion to ASCII decides about the rest. */
const DOMAIN = /^(?:[\p{L}\p{M}\p{N}·͵׳״・.。．｡-]|\u200c|\u200d){1,254}$/u;
const LABEL = /^(?!-)[a-z0-9-]{1,63}$/;

/** The problem of `address` as an e-mail address; undefined: it is valid. */
export function emailProblem(address: string): string | undefined {
  const at = address.lastIndexOf('@');
  if (at < 0) return 'is not an e-mail address: it has no @';
  const local = address.slice(0, at);
  if (local.startsWith('"')) return 'must not have a quoted part before the @';
  const problem = localProblem(local);
  if (problem) return problem;
  const domain = asciiDomain(address.slice(at + 1));
  if (address.startsWith('[', at + 1)) return 'must have a domain name behind the @, not an IP address';
  if (domain === undefined) return 'must have a valid domain name behind the @, as in example.com';
  if (!decodes(domain))
    return 'must have a valid domain name behind the @: a label that begins with xn-- is not valid Punycode';
  if (at + 1 + domain.length > MAX_ADDRESS) return `must have at most ${MAX_ADDRESS} characters, its domain in ASCII`;
  return undefined;
}

/** Normalized form for comparison: ASCII, lower case. Defined for invalid addresses too. */
export function emailKey(address: string): string {
  return deliverableEmail(address.trim()).toLowerCase();
}

/** The address with its domain in ASCII, which every mail server accepts. */
export function deliverableEmail(address: string): string {
  const at = address.lastIndexOf('@');
  const domain = asciiDomain(address.slice(at + 1));
  return at < 0 || domain === undefined ? address : `${address.slice(0, at + 1)}${domain}`;
}

function localProblem(local: string): string | undefined {
  if (local === '') return 'is not an e-mail address: nothing is before the @';
  if (local.length > MAX_LOCAL) return `must have at most ${MAX_LOCAL} characters before the @`;
  if (Buffer.byteLength(local) > local.length) return 'must have only ASCII characters before the @';
  if (!ATOMS.test(local)) return "must have only letters, digits and !#$%&'*+-/=?^_`{|}~. before the @";
  if (local.startsWith('.') || local.endsWith('.') || local.includes('..')) {
    return 'must have no dot at an end, or beside another one, before the @';
  }
  return undefined;
}

/** Whether every A-label stands for a U-label, which has that A-label (RFC 5890, section 2.3.2.1): others are left as they are. */
function decodes(ascii: string): boolean {
  return !domainToUnicode(ascii)
    .split('.')
    .some((label) => label.startsWith('xn--'));
}

/** The A-labels of a domain name of at least two labels, in lower case; undefined: invalid. */
function asciiDomain(domain: string): string | undefined {
  if (!DOMAIN.test(domain)) return undefined;
  const ascii = domainToASCII(domain);
  const labels = ascii.split('.');
  const valid = labels.length > 1 && labels.every((label) => LABEL.test(label) && !label.endsWith('-'));
  return valid && ascii.length < MAX_ADDRESS && !/^\d+$/.test(labels.at(-1)!) ? ascii : undefined;
}
