// The policies that speak of accounts alone. The domain adds those that speak of its resources.
import { ForbiddenError } from '../errors/service-error.js';
import { Guarded, type Policy, type PolicyDirective } from './policy.js';
import { includesRole, Role } from './role.js';

const PUBLIC: PolicyDirective = { name: 'public', description: 'Anyone may call this, signed in or not.', args: {} };
const SIGNED_IN: PolicyDirective = {
  name: 'signedIn',
  description: 'Requires a signed-in account; else `UNAUTHENTICATED`.',
  args: {},
};
const HAS_ROLE: PolicyDirective = {
  name: 'hasRole',
  description: 'Requires an account with this role or a higher one; else `FORBIDDEN`.',
  args: { role: 'Role' },
};
const SELF_OR_ROLE: PolicyDirective = {
  name: 'selfOrRole',
  description:
    'Shown to the account that it is about, and to accounts with this role; null with `FORBIDDEN` to others.',
  args: { role: 'Role' },
};

/** Anyone, signed in or not. The list of such fields is pinned by a test. */
export const Public = () => Guarded({ directive: PUBLIC, args: {}, check: () => {} });

/** Any signed-in account. */
export const SignedIn = () => Guarded(signedIn);
const signedIn: Policy = { directive: SIGNED_IN, args: {}, check: ({ context }) => void context.viewer };

/** A signed-in account whose role includes `role`. */
export const HasRole = (role: Role) =>
  Guarded({
    directive: HAS_ROLE,
    args: { role },
    check: ({ context }) => {
      if (!includesRole(context.viewer.rights.role, role)) throw new ForbiddenError(role);
    },
  });

/** The account that `accountOf` finds in the field's parent, or an account whose role includes `role`. */
export const SelfOrRole = (role: Role, accountOf: (parent: never) => string) =>
  Guarded({
    directive: SELF_OR_ROLE,
    args: { role },
    check: ({ context, parent }) => {
      const { accountId, rights } = context.viewer;
      if (accountId !== accountOf(parent as never) && !includesRole(rights.role, role)) throw new ForbiddenError(role);
    },
  });
