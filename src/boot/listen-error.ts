// The port or the address that was configured cannot be listened on: told to the person who has to mend it.
const REASONS: Readonly<Record<string, (host: string, port: number) => string>> = {
  EADDRINUSE: (host, port) =>
    `PORT ${port} of ${host} is taken. Stop what listens there, or set PORT to another one (0 picks a free one).`,
  EACCES: (host, port) =>
    `PORT ${port} of ${host} needs a permission that this user does not have. Set PORT to 1024 or more.`,
  EADDRNOTAVAIL: (host) => `HOST ${host} is not an address of this machine.`,
  ENOTFOUND: (host) => `HOST ${host} is not a name that can be resolved.`,
};

export class ListenError extends Error {
  override readonly name = 'ListenError';

  constructor(host: string, port: number, cause: unknown) {
    const code = String((cause as NodeJS.ErrnoException).code);
    const reason = REASONS[code]?.(host, port);
    super(reason ?? `Cannot listen on HOST ${host}, PORT ${port} (${code}).`, { cause });
  }
}
