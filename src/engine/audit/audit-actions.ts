// The actions that the audit trail records: those of the engine, and those that the domain adds.
import { registerEnumType } from '@nestjs/graphql';

/** Actions of the engine, with their descriptions in the schema. */
const ENGINE_ACTIONS = {
  REGISTER: 'An account was registered.',
  LOGIN: 'A sign-in, successful or not.',
  LOGOUT: 'A session was ended by signing out.',
  SESSION_REVOKED: 'A session was ended from another one.',
  SESSIONS_ENDED: 'All sessions of an account were ended.',
  REFRESH_TOKEN_REUSED: 'A replaced refresh token was used again, and its session was ended.',
  REFRESH_FROM_OTHER_ADDRESS: 'The same refresh token came from two addresses within a few seconds.',
  PASSWORD_CHANGED: 'An account changed its password.',
  PASSWORD_RESET_REQUESTED: 'A link to set a new password was requested.',
  PASSWORD_RESET: 'A new password was set by a link, or by an administrator.',
  ACCOUNT_CREATED: 'An administrator created an account.',
  ROLE_CHANGED: 'The role of an account was changed.',
  ACCOUNT_DISABLED: 'An account was disabled.',
  ACCOUNT_ENABLED: 'An account was enabled again.',
  REFRESH_REFUSED: 'An invalid refresh token was presented.',
  ACCESS_TOKEN_REFUSED: 'An invalid access token was presented.',
  OPERATION_REFUSED: 'An operation was refused as a whole.',
  QUERY_REFUSED: 'A query was refused.',
  MUTATION_REFUSED: 'A mutation was refused.',
  SUBSCRIPTION_REFUSED: 'A subscription was refused.',
} as const;

/** Every action. The domain extends this interface, and `Domain.auditActions` with descriptions. */
export interface AuditActions extends Record<keyof typeof ENGINE_ACTIONS, string> {}
export type AuditAction = keyof AuditActions;

/** The enum `AuditAction` of the schema. */
export const auditActions: Record<string, string> = {};
const valuesMap: Record<string, { description: string }> = {};

/** Adds actions to the enum; must be called before the schema is built. */
export function addAuditActions(descriptions: Readonly<Record<string, string>>): void {
  for (const [action, description] of Object.entries(descriptions)) {
    auditActions[action] = action;
    valuesMap[action] = { description };
  }
}

addAuditActions(ENGINE_ACTIONS);
registerEnumType(auditActions, {
  name: 'AuditAction',
  description: 'Audited actions. Later versions may add others.',
  valuesMap,
});
