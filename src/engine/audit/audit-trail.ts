// The audit trail: who did what, when on the database's clock, from where, and how it ended. Written in the transaction of
// the act where there is one. Never a secret, a token, a mail's body, or an e-mail address that someone typed.
import { Injectable } from '@nestjs/common';
import { type EntityManager, MikroORM } from '@mikro-orm/postgresql';
import { AuditRepetitions } from './audit-repetitions.js';
import { type AuditAction, type AuditRecord, insertEntry } from './audit-row.js';

@Injectable()
export class AuditTrail {
  /** Operations whose refusal is recorded. */
  private readonly refused = new WeakSet<object>();

  constructor(
    private readonly orm: MikroORM,
    private readonly repetitions: AuditRepetitions,
  ) {}

  /** Records an act: with `em` in its transaction, so that neither is there without the other; else at once, by itself. */
  async record(em: EntityManager | undefined, entry: AuditRecord): Promise<void> {
    await insertEntry(em ?? this.orm.em.fork(), entry, 1);
  }

  /**
   * Records what a client can cause as often as it likes: repetitions within ten minutes are one row with a count. `distinct`: what
   * tells it from others and is not to be stored, such as an e-mail that was typed: else who is known would be told by the time.
   */
  recordRepeatable(entry: AuditRecord, distinct?: string): Promise<void> {
    return this.repetitions.record(entry, distinct);
  }

  /** Records that `operation` was refused something: once an operation, however many of its fields are refused. */
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
