// Networks from which somebody has signed in lately. Whoever asks from one of them does not wait for strangers: a flood can come from
// any number of fresh networks, but not from these.
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { networkOf } from './client-network.js';

/** ms for which a sign-in makes a network familiar, and networks that are. */
const FAMILIAR_MS = 24 * 60 * 60_000;
const MAX_FAMILIAR = 20_000;

@Injectable()
export class FamiliarNetworks {
  private readonly networks = new LRUCache<string, true>({ max: MAX_FAMILIAR, ttl: FAMILIAR_MS });

  /** Somebody has proven who they are from `address`, or is known to have done so. */
  add(address: string): void {
    this.networks.set(networkOf(address), true);
  }

  /** `network`: as `networkOf` names it. */
  has(network: string): boolean {
    return this.networks.has(network);
  }
}
