// Password hashing: argon2id off the event loop, bounded concurrency, the same work whether or not the account exists.
// Parameters: OWASP Password Storage Cheat Sheet, argon2id with 19 MiB, 2 passes, 1 lane.
import { Injectable } from '@nestjs/common';
import { hash, type ParsedHashOptions, parseOptions, verify } from '@node-rs/argon2';
import { PasswordQueue, type Caller } from './password-queue.js';
import { lowerPoolPriority } from './pool-priority.js';

/** Current parameters. A hash with other ones is replaced at the next sign-in. */
export const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

@Injectable()
export class Passwords {
  /** Compared for unknown accounts, so that they take as long. */
  private readonly decoy: Promise<string>;

  constructor(private readonly queue: PasswordQueue) {
    this.decoy = this.hash('no account has this password').finally(lowerPoolPriority);
  }

  /** PHC string of `password` (NFC). Throws {@link RateLimitedError} or {@link ServiceUnavailableError} when too many wait. */
  hash(password: string, caller?: Caller): Promise<string> {
    return this.queue.run(caller, () => hash(password.normalize('NFC'), PARAMETERS));
  }

  /** Whether `password` matches; without a valid hash it takes the same time and is false. Throws like `hash`. */
  async matches(password: string, passwordHash: string | null | undefined, caller?: Caller): Promise<boolean> {
    const known = passwordHash != null && parametersOf(passwordHash) ? passwordHash : undefined;
    const against = known ?? (await this.decoy);
    const equal = await this.queue.run(caller, () => verify(against, password.normalize('NFC')));
    const matches = equal && known !== undefined;
    if (matches) this.queue.succeeded(caller);
    else this.queue.failed(caller);
    return matches;
  }

  /** A new hash to replace `passwordHash`, which `password` matches; undefined: its parameters are current. */
  async renewed(password: string, passwordHash: string, accountId: string): Promise<string | undefined> {
    if (!isOutdated(passwordHash)) return undefined;
    try {
      return await this.hash(password, { purpose: 'change', accountId });
    } catch {
      // Failing to rehash must not refuse the sign-in: it is retried at the next one.
      return undefined;
    }
  }
}

function isOutdated(passwordHash: string): boolean {
  const made = parametersOf(passwordHash);
  const differ = (name: keyof typeof PARAMETERS): boolean => made?.[name] !== PARAMETERS[name];
  return !passwordHash.startsWith('$argon2id$') || differ('memoryCost') || differ('timeCost') || differ('parallelism');
}

function parametersOf(passwordHash: string): ParsedHashOptions | undefined {
  try {
    return parseOptions(passwordHash);
  } catch {
    return undefined;
  }
}
