// Password hashing: argon2id off the event loop, a bounded number at a time, the same work whether or not there is an account.
// Parameters: OWASP Password Storage Cheat Sheet, argon2id with 19 MiB, 2 passes, 1 lane.
import { availableParallelism } from 'node:os';
import { Injectable } from '@nestjs/common';
import { hash, type ParsedHashOptions, parseOptions, verify } from '@node-rs/argon2';
import pLimit from 'p-limit';
import { ServiceUnavailableError } from '../errors/service-error.js';
import { yieldToRequests } from './pool-priority.js';

/** What passwords are hashed with from now on. A hash that was made with other ones is made anew at the next sign-in. */
export const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };
/** Hashes that may wait for their turn; more are refused rather than kept. */
const MAX_WAITING = 200;

@Injectable()
export class Passwords {
  private readonly limit = pLimit(Math.max(1, availableParallelism() - 1));
  /** What an unknown account's password is compared with, so that it takes as long. */
  private readonly decoy = this.hash('no account has this password').finally(yieldToRequests);

  /** PHC string of `password` (NFC). Throws {@link ServiceUnavailableError} when too many wait. */
  hash(password: string): Promise<string> {
    return this.queued(() => hash(password.normalize('NFC'), PARAMETERS));
  }

  /** Whether `password` matches; without a hash, or with none of ours, it takes the same time and is false. */
  async matches(password: string, passwordHash: string | null | undefined): Promise<boolean> {
    const known = passwordHash != null && parametersOf(passwordHash) ? passwordHash : undefined;
    const against = known ?? (await this.decoy);
    const equal = await this.queued(() => verify(against, password.normalize('NFC')));
    return equal && known !== undefined;
  }

  /** The hash to keep instead of `passwordHash`, which `password` matches; undefined: it is good as it is. */
  async renewed(password: string, passwordHash: string): Promise<string | undefined> {
    if (!isOutdated(passwordHash)) return undefined;
    try {
      return await this.hash(password);
    } catch {
      // That it cannot be made now is no reason to refuse anyone: there will be a next time.
      return undefined;
    }
  }

  private queued<T>(work: () => Promise<T>): Promise<T> {
    if (this.limit.pendingCount >= MAX_WAITING) throw new ServiceUnavailableError();
    return this.limit(work);
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
