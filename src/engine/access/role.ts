// Account roles, and the principal: the caller and its session.

/** Role of an account in the installation. Each includes the ones before it. */
export enum Role {
  USER = 'USER',
  EDITOR = 'EDITOR',
  ADMIN = 'ADMIN',
}

const ORDER: readonly Role[] = [Role.USER, Role.EDITOR, Role.ADMIN];

/** Whether `role` includes `required`. */
export function includesRole(role: Role, required: Role): boolean {
  return ORDER.indexOf(role) >= ORDER.indexOf(required);
}

/** How clients receive and send a session's tokens. */
export type Transport = 'BODY' | 'COOKIE';

/** Current rights of an account. The object is updated in place as the log is followed. */
export interface AccountRights {
  role: Role;
  disabled: boolean;
  /** Role by resource id, as declared by the domain, not yet capped by the account's role. */
  readonly resources: Map<string, string>;
  /** Ids of resources that ended while the account had a role there; absent if there are none. */
  ended?: Set<string>;
}

/** A signed-in caller. Its rights are the current ones of its account, not those in the token. */
export interface Principal {
  readonly accountId: string;
  readonly sessionId: string;
  /** Whether the session has ended. Updated in place like `rights`. */
  readonly session: { readonly ended: boolean };
  readonly rights: AccountRights;
  readonly transport: Transport;
  /** Expiry of the presented access token, in ms since 1970. */
  readonly tokenExpiresAt: number;
}

/** Origin of a request, according to trusted proxies. */
export interface ClientInfo {
  readonly address: string;
  readonly userAgent: string | undefined;
}
