// Refresh tokens: `tr1.<session>.<generation>.<MAC>`. The MAC needs the seed in the session's row and a key outside the
// database, so neither alone can create one. Nothing here accesses the database.
import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { deriveKey } from '../config/app-secret.js';
import type { Config } from '../config/config.js';
import { CONFIG } from '../config/config.module.js';

export interface PresentedToken {
  readonly sessionId: string;
  readonly generation: number;
  readonly mac: Buffer;
}

/** One encoding of each token: of the last character of a MAC only four bits are used, the lower two must be zero. */
const FORM =
  /^tr1\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.([1-9][0-9]{0,8})\.([A-Za-z0-9_-]{42}[AEIMQUYcgkosw048])$/;

@Injectable()
export class RefreshTokens {
  private readonly keys: readonly KeyObject[];

  constructor(@Inject(CONFIG) { appSecrets, service }: Pick<Config, 'appSecrets' | 'service'>) {
    const label = `${service.prefix} refresh token`;
    this.keys = appSecrets.map((secret) => createSecretKey(deriveKey(secret, label)));
  }

  /** The token of this generation; deterministic. */
  make(sessionId: string, generation: number, seed: Buffer): string {
    const [current] = this.keys;
    if (!current) throw new Error('There is no APP_SECRET to sign with');
    return `tr1.${sessionId}.${generation}.${mac(current, sessionId, generation, seed).toString('base64url')}`;
  }

  /** Unverified content of a well-formed token. */
  parse(token: string): PresentedToken | undefined {
    const [, sessionId, generation, code] = FORM.exec(token) ?? [];
    if (!sessionId || !generation || !code) return undefined;
    return { sessionId, generation: Number(generation), mac: Buffer.from(code, 'base64url') };
  }

  /** Whether this service issued the token for the session with this seed. */
  isGenuine({ sessionId, generation, mac: presented }: PresentedToken, seed: Buffer): boolean {
    return this.keys.some((key) => timingSafeEqual(mac(key, sessionId, generation, seed), presented));
  }
}

function mac(key: KeyObject, sessionId: string, generation: number, seed: Buffer): Buffer {
  return createHmac('sha256', key).update(`tr1.${sessionId}.${generation}.`).update(seed).digest();
}
