// How many distinct documents each account has running: every one of them is executed for every event, so they are bounded.
import type { Member } from './member.js';

/** Distinct documents that one account may have running on a node at a time. */
const MAX_DOCUMENTS = 50;

export class Documents {
  /** By account, the members that run each document. */
  private readonly accounts = new Map<string, Map<string, Set<Member>>>();

  /** Counts the member's document in until `remove`; false if it would be one too many. */
  add(member: Member, documentKey: string): boolean {
    const { accountId } = member.request.viewer;
    const own = this.accounts.get(accountId) ?? new Map<string, Set<Member>>();
    const running = own.get(documentKey);
    if (!running && own.size >= MAX_DOCUMENTS) return false;
    this.accounts.set(accountId, own.set(documentKey, (running ?? new Set()).add(member)));
    return true;
  }

  remove(member: Member): void {
    const { accountId } = member.request.viewer;
    const own = this.accounts.get(accountId);
    for (const [documentKey, running] of own ?? []) {
      if (running.delete(member) && running.size === 0) own?.delete(documentKey);
    }
    if (own?.size === 0) this.accounts.delete(accountId);
  }
}
