// Networks with a recent sign-in. Their requests take precedence: a flood can come from any number of new networks, but not from
// these.
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { networkOf } from './client-network.js';

/** ms for which a network stays familiar after a sign-in, and the number of familiar networks. */
const FAMILIAR_MS = 24 * 60 * 60_000;
const MAX_FAMILIAR = 20_000;

@Injectable()
export class FamiliarNetworks {
  private readonly networks = new LRUCache<string, true>({ max: MAX_FAMILIAR, ttl: FAMILIAR_MS });

  /** Marks the network of `address` as familiar, after a sign-in. */
  add(address: string): void {
    this.networks.set(networkOf(address), true);
  }

  /** `network`: as returned by `networkOf`. */
  has(network: string): boolean {
    return this.networks.has(network);
  }
}
