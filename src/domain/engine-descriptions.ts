// Descriptions of elements of the engine's schema that are specific to this domain or service, by schema coordinate.
export const engineDescriptions = {
  'Query.user': 'An account that shares a project with the caller, any account for an ADMIN; null otherwise.',
  'RealtimeStats.subscriptions': 'Running subscriptions to projects.',
  'Role.USER': 'Reads and comments in projects it is a member of.',
  'Role.EDITOR': 'Also creates projects, and edits those in which it is EDITOR or OWNER.',
  'Role.ADMIN': 'Sees and owns every project, administers accounts.',
  'TokenTransport.COOKIE':
    'In HttpOnly cookies that the browser keeps and sends; both tokens in the reply are null. For pages of ALLOWED_ORIGINS, ' +
    'which send the header `x-tidings-csrf: 1` with every operation, otherwise it is `FORBIDDEN`. Only POST and the ' +
    'WebSocket upgrade carry them, and `Authorization` takes precedence.',
};
