// Account roles, and the principal: who is asking, through which session.

/** What an account may do anywhere. Each includes the ones before it. */
export enum Role {
  USER = 'USER',
  EDITOR = 'EDITOR',
  ADMIN = 'ADMIN',
}

const ORDER: readonly Role[] = [Role.USER, Role.EDITOR, Role.ADMIN];

/** Whether `role` includes everything that `required` may do. */
export function includesRole(role: Role, required: Role): boolean {
  return ORDER.indexOf(role) >= ORDER.indexOf(required);
}

/** How a session's tokens travel. */
export type Transport = 'BODY' | 'COOKIE';

/** What an account may do now. The object stays true as the log goes on: whoever holds it sees every change. */
export interface AccountRights {
  role: Role;
  disabled: boolean;
  /** Role by resource id, as the domain named it: not yet capped by the account's role. */
  readonly resources: Map<string, string>;
}

/** A signed-in caller. What it may do is what its account may do now, never what the token says. */
export interface Principal {
  readonly accountId: string;
  readonly sessionId: string;
  /** Whether the session has ended by now. It stays true as `rights` do. */
  readonly session: { readonly ended: boolean };
  readonly rights: AccountRights;
  readonly transport: Transport;
  /** When the access token that was shown expires, in ms since 1970. */
  readonly tokenExpiresAt: number;
}

/** Where a request comes from, as far as the proxies that we trust let us know. */
export interface ClientInfo {
  readonly address: string;
  readonly userAgent: string | undefined;
}
