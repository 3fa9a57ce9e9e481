// What the pages of these tests ask for.
const PAGE_INFO = 'pageInfo { hasNextPage endCursor hasPreviousPage startCursor }';
const UPDATE = 'id title version health';
const EVENT = `cursor seq kind subjectId project { id name health lastSeq latestUpdate { id title } }
  update { ${UPDATE} } comment { id body } member { role user { id name } }`;
export const project = (fields = '') => `query Project($id: ID!) { project(id: $id) {
  id name health lastCursor lastSeq ${fields} latestUpdate { id title }
  updates(first: 20) { edges { cursor node { ${UPDATE} } } ${PAGE_INFO} } } }`;
export const projectEvents = `subscription ProjectEvents($id: ID!, $after: String) {
  projectUpdated(projectId: $id, after: $after) { ${EVENT} } }`;
export const list = `query List($after: String) { projects(first: 50, after: $after) { lastCursor ${PAGE_INFO} edges { cursor node {
  id key name health lastSeq latestUpdate { id title }
  updates(first: 20) { edges { cursor node { ${UPDATE} } } ${PAGE_INFO} } } } } }`;
export const listEvents = `subscription ListEvents($after: String) { projectsUpdated(after: $after) { ${EVENT} } }`;

const updates = (args) => `updates(${args}) { edges { cursor node { ${UPDATE} } } ${PAGE_INFO} }`;
export const morePages = `query More($id: ID!, $after: String) { project(id: $id) { id ${updates('first: 20, after: $after')} } }`;
export const earlierPages = `query Backwards($id: ID!, $before: String) { project(id: $id) { id ${updates('last: 20, before: $before')} } }`;
