// The audit trail: who did what, when, from where, and the outcome. Written in the transaction of the action, if there is one. It
// contains no secret, token, mail body, or e-mail address typed by a user.
import { Injectable } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { AuditRepetitions } from './audit-repetitions.js';
import type { AuditAction } from './audit-actions.js';
import { type AuditRecord, insertEntry } from './audit-row.js';

@Injectable()
export class AuditTrail {
  /** Operations whose refusal is recorded. */
  private readonly refused = new WeakSet<object>();

  constructor(
    private readonly orm: MikroORM,
    private readonly repetitions: AuditRepetitions,
  ) {}

  /** Records an action: with `em` in its transaction, atomically; otherwise at once. */
  async record(em: EntityManager | undefined, entry: AuditRecord): Promise<void> {
    await insertEntry(em ?? this.orm.em.fork(), entry, 1);
  }

  /**
   * Records a repeatable action: repetitions within ten minutes are one row with a count. `distinct`: distinguishes entries by something
   * that must not be stored, such as a typed e-mail; without it, timing would reveal which accounts exist.
   */
  recordRepeatable(entry: AuditRecord, distinct?: string): Promise<void> {
    return this.repetitions.record(entry, distinct);
  }

  /** Records that `operation` was refused, once per operation, whatever the number of refused fields. */
  async recordRefusal(
    operation: object,
    action: AuditAction,
    entry: Omit<AuditRecord, 'action' | 'outcome'>,
  ): Promise<void> {
    if (this.refused.has(operation)) return;
    this.refused.add(operation);
    await this.recordRepeatable({ ...entry, action, outcome: 'REFUSED' });
  }
}
