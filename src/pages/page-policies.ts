// The security headers of the pages: nothing comes from elsewhere, no script stands in a document or is made from text.

/** What neither page does: plug-ins, forms that the browser sends, another base, being framed. */
const NEVER = "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const DASHBOARD_POLICY = [
  "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; connect-src 'self'",
  NEVER,
  // No text becomes markup or script.
  "require-trusted-types-for 'script'; trusted-types 'none'",
].join('; ');

/** The editor of the playground makes style elements, and runs workers. */
export const PLAYGROUND_POLICY = [
  "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self'",
  "img-src 'self' data:; connect-src 'self'",
  NEVER,
].join('; ');

/** Headers of a page or of a file that it loads: no window and no document of another site gets at it. */
export const pageHeaders = (policy: string): Readonly<Record<string, string>> => ({
  'content-security-policy': policy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
});
