// The context of one execution for a whole permission class. It has no viewer: code that asks for one invalidates the execution, even
// if it swallows the error.
import type { ClassValue } from './class-value.js';
import { OperationContext } from './operation-context.js';
import type { PermissionClass } from './permission-class.js';
import type { Policy } from './policy.js';
import type { CachedReads } from './cached-reads.js';

/** A shared execution asked for the viewer. Never shown to a client: the execution is discarded. */
export class ViewerNeededError extends Error {}

export class SharedContext extends OperationContext {
  private needed: string | undefined;

  /** `resourceId`: the resource of the event. `permission` holds for all viewers of the result. */
  constructor(
    reads: CachedReads,
    private readonly permission: PermissionClass,
    private readonly resourceId: string,
  ) {
    super(() => reads, { address: '', userAgent: undefined }, {}, 'socket', reads);
  }

  /** What asked for the viewer, if anything did: then the result is discarded. */
  get viewerNeeded(): string | undefined {
    return this.needed;
  }

  /** Evaluates `policy.check` for the class: throws the same errors as for one viewer. */
  check({ directive, byClass }: Policy, parent: unknown): void {
    const name = `@${directive.name}`;
    if (!byClass) return this.needViewer(`${name} depends on the viewer`);
    const { rule, resourceOf } = byClass;
    if (!this.permission.outcomes.has(rule)) return this.needViewer(`${name} is not decided by the class`);
    if (resourceOf && resourceOf(parent as never) !== this.resourceId)
      return this.needViewer(`${name} met an object of another resource`);
    const refused = this.permission.outcomes.get(rule);
    if (refused) throw refused;
    return undefined;
  }

  override classValue(value: ClassValue, resourceId: string): string | undefined {
    const { values } = this.permission;
    if (!values.has(value)) return this.needViewer('a value of the caller was read that the class does not decide');
    if (resourceId !== this.resourceId) return this.needViewer('a value of the caller was read for another resource');
    return values.get(value);
  }

  override get viewer(): never {
    return this.needViewer('the account was read');
  }

  override get isSignedIn(): never {
    return this.needViewer('the account was read');
  }

  override get principal(): never {
    return this.needViewer('the account was read');
  }

  override get client(): never {
    return this.needViewer('the address of the client was read');
  }

  override get cookies(): never {
    return this.needViewer('cookies were read');
  }

  override get cookiesUnverified(): never {
    return this.needViewer('cookies were read');
  }

  override assertPageAccount(): never {
    return this.needViewer('the account that the page shows was read');
  }

  override signIn(): never {
    return this.needViewer('an account was signed in');
  }

  override withReads(): never {
    return this.needViewer('a context of the caller was asked for');
  }

  private needViewer(what: string): never {
    this.needed ??= what;
    throw new ViewerNeededError(`A shared execution has no viewer, but ${what}`);
  }
}
