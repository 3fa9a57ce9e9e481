/** Path of the GraphQL endpoint, on the origin of this page. */
export const ENDPOINT = '/graphql';
