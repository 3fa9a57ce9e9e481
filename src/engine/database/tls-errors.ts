// How Node and `pg` say that a connection cannot be encrypted as it must be. Nothing here depends on a server's language.
import { isWithoutTls } from '../errors/library-messages.js';

/** Codes of OpenSSL's verification, and of a handshake that failed. */
const CODE =
  /^(CERT_|CRL_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|INVALID_(CA|PURPOSE|NON_CA)$|PATH_LENGTH_|HOSTNAME_|EPROTO$)/;

/** A short name of what is wrong with TLS; undefined: `error` is about something else. */
export function tlsProblem(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (CODE.test(code)) return code;
  return code === '' && isWithoutTls(error) ? 'it has no TLS' : undefined;
}
