// E-mail addresses: which are taken, which are the same, and where a mail goes. RFC 5321 with the domain names of IDNA: the local part
// is a dot-string in ASCII, the domain is compared and used in its ASCII form.
import { domainToASCII, domainToUnicode } from 'node:url';

/** RFC 5321, 4.5.3.1: octets of a local part, and of an address. */
const MAX_LOCAL = 64;
const MAX_ADDRESS = 254;

/** RFC 5321, 4.1.2: what stands between the dots of a local part. */
const ATOMS = /^[\w!#$%&'*+/=?^`{|}~.-]+$/;
/** Letters and digits of any script, and the joiners and dots of IDNA. The ASCII form judges the rest. */
const DOMAIN = /^(?:[\p{L}\p{M}\p{N}·͵׳״・.。．｡-]|\u200c|\u200d){1,254}$/u;
const LABEL = /^(?!-)[a-z0-9-]{1,63}$/;

/** What is wrong with `address`, which is short, as an e-mail address; undefined: nothing. */
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

/** The form in which addresses are compared: ASCII in small letters. Addresses that are none have one too. */
export function emailKey(address: string): string {
  return deliverableEmail(address.trim()).toLowerCase();
}

/** The address as every mail server takes it: its domain in ASCII. */
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

/** The A-labels of a domain name of two labels or more, in small letters; undefined: it is none. */
function asciiDomain(domain: string): string | undefined {
  if (!DOMAIN.test(domain)) return undefined;
  const ascii = domainToASCII(domain);
  const labels = ascii.split('.');
  const valid = labels.length > 1 && labels.every((label) => LABEL.test(label) && !label.endsWith('-'));
  return valid && ascii.length < MAX_ADDRESS && !/^\d+$/.test(labels.at(-1)!) ? ascii : undefined;
}
