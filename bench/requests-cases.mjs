// Cases of requests.mjs for both servers: documents, accounts, operations per round, and the parts of an answer that may differ.
import { getIntrospectionQuery } from 'graphql';
import { addressOf, emailOf, PASSWORD, PEOPLE, READERS, WRITERS } from './requests-data.mjs';
import { ask } from './service.mjs';

const AUTH = 'accessToken refreshToken accessTokenExpiresAt user { id name email role }';
const LOGIN = `mutation ($input: LoginInput!) { login(input: $input) { ${AUTH} } }`;
const REFRESH = `mutation ($token: String) { refresh(refreshToken: $token) { ${AUTH} } }`;
const ME = '{ me { id name email role createdAt } }';
const NESTED = `query ($first: Int) {
  projects(first: $first) {
    edges {
      cursor
      node {
        id key name health
        lead { id name }
        members(first: 8) { nodes { role user { id name } } }
        latestUpdate { id title body health createdAt author { id name } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;
const PAGE = `query ($id: ID!) {
  project(id: $id) {
    id key name description health viewerRole version createdAt updatedAt
    lead { id name }
    members(first: 10) { nodes { role user { id name role } } pageInfo { hasNextPage endCursor } }
    updates(first: 10) { edges { cursor node { id title body health version createdAt editedAt author { id name } } } pageInfo { hasNextPage endCursor } }
    comments(first: 20) { edges { cursor node { id body createdAt author { id name } } } pageInfo { hasNextPage endCursor } }
  }
}`;
const POST = `mutation ($input: PostUpdateInput!) {
  postUpdate(input: $input) { id title body health version createdAt editedAt author { id name } } }`;
const BODY = 'All of it went out on Tuesday, and nobody has called since. Next week the second region follows.';

const firstWriter = READERS + PEOPLE + 1;

/** Someone who uses a party: an account, its address and its tokens there. */
export class Person {
  constructor(party, number) {
    this.party = party;
    this.number = number;
  }

  async ask(query, variables, anonymous = false) {
    const headers = { 'x-forwarded-for': addressOf(this.number) };
    const reply = await ask(this.party.url, query, variables, anonymous ? undefined : this.accessToken, headers);
    if (reply.errors) {
      const [{ message, path }] = reply.errors;
      throw new Error(`${this.party.name}: ${reply.status} ${message} at ${path}`);
    }
    return reply.data;
  }

  async logIn() {
    const data = await this.ask(LOGIN, { input: { email: emailOf(this.number), password: PASSWORD } }, true);
    Object.assign(this, data.login);
    return data;
  }

  async refresh() {
    const data = await this.ask(REFRESH, { token: this.refreshToken }, true);
    Object.assign(this, data.refresh);
    return data;
  }
}

/**
 * By name: who takes part, by number; how many at once and operations in a round; what one does. `share` is how many in a hundred of
 * mixed requests are this one.
 */
export function cases({ shown, written }) {
  const readers = numbers(1, READERS);
  const people = numbers(READERS + 1, PEOPLE);
  const writers = numbers(firstWriter, WRITERS);
  const post = (person, n) =>
    person.ask(POST, { input: { projectId: written, title: `Update ${n}`, body: BODY, health: 'AT_RISK' } });
  return {
    me: { who: readers, lanes: 6, count: 300, share: 35, run: (person) => person.ask(ME) },
    refresh: { who: people, lanes: 8, count: 104, share: 9, run: (person) => person.refresh() },
    nested: { who: readers, lanes: 2, count: 14, share: 5, run: (person) => person.ask(NESTED, { first: 50 }) },
    page: { who: readers, lanes: 4, count: 80, share: 30, run: (person) => person.ask(PAGE, { id: shown }) },
    'post, 1 writer': { who: writers.slice(0, 1), lanes: 1, count: 60, share: 0, run: post, commits: true },
    'post, 8 writers': { who: writers, lanes: 8, count: 160, share: 15, run: post, commits: true },
    login: { who: people, lanes: 2, count: 12, share: 1, run: (person) => person.logIn() },
    introspection: {
      who: readers,
      lanes: 2,
      count: 20,
      share: 5,
      run: (person) => person.ask(getIntrospectionQuery()),
    },
  };
}

const numbers = (from, count) => Array.from({ length: count }, (_, at) => from + at);

/** An answer without what no two answers have in common: tokens and times of sign-in, ids and times of what was just written. */
export function comparable(answer) {
  const made = answer.postUpdate !== undefined;
  return JSON.stringify(answer, (key, value) => {
    if (/token|cursor/i.test(key)) return typeof value;
    if (made && (key === 'createdAt' || (key === 'id' && !isAccount(value)))) return typeof value;
    return value;
  });
}

const isAccount = (id) => id.slice(15, 18) === '001';
