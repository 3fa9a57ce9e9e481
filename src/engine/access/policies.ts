// Policies about accounts only. The domain adds policies about its resources.
import { ForbiddenError } from '../errors/service-error.js';
import { type ClassRule, classPolicy, Guarded, type PolicyDirective } from './policy.js';
import { includesRole, Role } from './role.js';

const PUBLIC: PolicyDirective = { name: 'public', description: 'Anyone may call this, signed in or not.', args: {} };
const SIGNED_IN: PolicyDirective = {
  name: 'signedIn',
  description: 'Requires a signed-in account; else `UNAUTHENTICATED`.',
  args: {},
};
const SESSION_HOLDER: PolicyDirective = {
  name: 'sessionHolder',
  description: 'Requires a signed-in account or a refresh token, as argument or cookie; else `UNAUTHENTICATED`.',
  args: {},
};
const HAS_ROLE: PolicyDirective = {
  name: 'hasRole',
  description: 'Requires an account with this role or a higher one; else `FORBIDDEN`.',
  args: { role: 'Role' },
};
const SELF_OR_ROLE: PolicyDirective = {
  name: 'selfOrRole',
  description: 'Visible to the account itself and to accounts with this role; null with `FORBIDDEN` for others.',
  args: { role: 'Role' },
};

/** Holds for every account. */
const ALWAYS: ClassRule = { outcome: () => undefined };
/** One rule per role, shared by all fields that it guards. */
const ROLES: Readonly<Record<Role, ClassRule>> = {
  [Role.USER]: requires(Role.USER),
  [Role.EDITOR]: requires(Role.EDITOR),
  [Role.ADMIN]: requires(Role.ADMIN),
};

/** Admits anyone. A test pins the list of these fields. */
export const Public = () => Guarded({ directive: PUBLIC, args: {}, byClass: { rule: ALWAYS }, check: () => {} });

/** Any signed-in account. */
export const SignedIn = () => Guarded(classPolicy({ directive: SIGNED_IN, args: {}, rule: ALWAYS }));

/** Admits signed-in accounts, and callers who present a refresh token, which the field verifies. */
export const SessionHolder = () =>
  Guarded({
    directive: SESSION_HOLDER,
    args: {},
    startsFrom: [['refreshToken']],
    check: ({ context, args }) => {
      if (args['refreshToken'] == null && context.cookies.refreshToken === undefined) void context.viewer;
    },
  });

/** A signed-in account whose role includes `role`. */
export const HasRole = (role: Role) => Guarded(classPolicy({ directive: HAS_ROLE, args: { role }, rule: ROLES[role] }));

/** The account that `accountOf` finds in the field's parent, or an account whose role includes `role`. */
export const SelfOrRole = (role: Role, accountOf: (parent: never) => string) =>
  Guarded({
    directive: SELF_OR_ROLE,
    args: { role },
    startsFrom: 'parent',
    check: ({ context, parent }) => {
      const { accountId, rights } = context.viewer;
      if (accountId !== accountOf(parent as never) && !includesRole(rights.role, role)) throw new ForbiddenError(role);
    },
  });

function requires(role: Role): ClassRule {
  const refused = new ForbiddenError(role);
  return { outcome: (rights) => (includesRole(rights.role, role) ? undefined : refused) };
}
