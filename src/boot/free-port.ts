// For `PORT=0`: the port must be known before the service is made, since links and origins carry it.
import { createServer } from 'node:net';
import { ListenError } from './listen-error.js';

/** A TCP port of `host` that was free a moment ago. Throws {@link ListenError}. */
export function freePort(host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => reject(new ListenError(host, 0, error)));
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
