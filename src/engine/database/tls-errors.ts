// Recognizes TLS errors of Node and `pg`, independent of the server's language.
import { isWithoutTls } from '../errors/library-messages.js';

/** Codes of OpenSSL's verification, and of a handshake that failed. */
const CODE =
  /^(CERT_|CRL_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_(CA|PURPOSE|NON_CA)$|PATH_LENGTH_|HOSTNAME_|EPROTO$)/;

/** A short description of a TLS problem; undefined: `error` is something else. */
export function tlsProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (CODE.test(code)) return code;
  return code === '' && isWithoutTls(error) ? 'it has no TLS' : undefined;
}
