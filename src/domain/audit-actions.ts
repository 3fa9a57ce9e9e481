// The actions of the domain in the audit trail.

/** With their descriptions in the schema. */
export const domainAuditActions = {
  PROJECT_DELETED: 'A project was deleted.',
  MEMBER_ADDED: 'An account became a member of a project.',
  MEMBER_CHANGED: 'The role of a member of a project was changed.',
  MEMBER_REMOVED: 'A membership was ended.',
  UPDATE_REMOVED: 'An update was removed.',
  COMMENT_REMOVED: 'A comment was removed.',
  ANNOUNCED: 'A message was sent to everyone.',
} as const;

declare module '../engine/audit/audit-actions.js' {
  interface AuditActions extends Record<keyof typeof domainAuditActions, string> {}
}
