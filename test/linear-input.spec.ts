// Every input that the API parses takes linear time: documents, variables, text and headers.
import { GraphQLSchemaHost } from '@nestjs/graphql';
import {
  getNamedType,
  getNullableType,
  type GraphQLInputType,
  isInputObjectType,
  isListType,
  isScalarType,
} from 'graphql';
import { inputSchemaOf } from '../src/engine/graphql/schema/field-rules.js';
import { request, STRICT } from './support/answers.js';
import { growth, LINEAR } from './support/growth.js';
import { subscribe } from './support/bystander.js';
import { RawSocket } from './support/socket-client.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
let person: Person;
beforeAll(async () => {
  person = await tidings.current.asUser('ADMIN');
});

/** Texts that hurt what is not careful: of `size` characters, or nearly. */
const TEXTS: Record<string, (size: number) => string> = {
  'words of graphql-js': (size) => 'cannot represent '.repeat(size / 17),
  'combining marks out of order': (size) => 'a\u0315\u0323'.padEnd(size, '\u0315\u0323'),
  spaces: (size) => `a${' '.repeat(size)}b`,
  'line breaks': (size) => `a${'\r\n'.repeat(size / 2)}b\u0007`,
  'quotes and backslashes': (size) => '"\\'.repeat(size / 2),
  'at-signs': (size) => '@a_'.repeat(size / 3),
  dots: (size) => `a@${'a.'.repeat(size / 2)}`,
  'digits and hyphens': (size) => '0-'.repeat(size / 2),
  emoji: (size) => '😀'.repeat(size / 2),
  'halves of emoji': (size) => '\ud83d'.repeat(size),
  'percent signs': (size) => '%_'.repeat(size / 2),
  'a token': (size) => 'eyJ.'.repeat(size / 4),
};
const LARGEST = 900_000;

/** A value of `type` of which every string is `text`. */
function filled(type: GraphQLInputType, text: string): unknown {
  const named = getNullableType(type);
  if (isListType(named)) return [filled(named.ofType, text)];
  const bare = getNamedType(named);
  if (isInputObjectType(bare)) {
    return Object.fromEntries(Object.values(bare.getFields()).map((field) => [field.name, filled(field.type, text)]));
  }
  return isScalarType(bare) && ['String', 'ID'].includes(bare.name) ? text : undefined;
}

it.each(Object.entries(TEXTS))('every argument of every field accepts %s in linear time', async (_what, textOf) => {
  const { schema } = tidings.current.app.get(GraphQLSchemaHost);
  const types = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const fields = types.flatMap((type) => Object.values(type?.getFields() ?? {}));
  const checked = fields.filter(({ extensions }) => inputSchemaOf(extensions));
  expect(checked.length).toBeGreaterThan(15);
  const ratio = await growth(LARGEST / 4, textOf, (text) => {
    for (const { args, extensions } of checked) {
      inputSchemaOf(extensions)!.safeParse(
        Object.fromEntries(args.map(({ name, type }) => [name, filled(type, text)])),
      );
    }
  });
  expect(ratio).toBeLessThan(LINEAR);
});

const post = (body: string, headers: Record<string, string> = {}) =>
  request(`${tidings.current.url}/graphql`, {
    method: 'POST',
    headers: { ...STRICT, authorization: `Bearer ${person.accessToken}`, ...headers },
    body,
  });
const LOGIN = 'mutation ($input: LoginInput!) { login(input: $input) { accessToken } }';
const DOCUMENTS: Record<string, (size: number) => unknown> = {
  'a string of the words of graphql-js': (size) => ({
    query: `{ me(x: "${'cannot represent '.repeat(size / 17)}") { id } }`,
  }),
  'a name': (size) => ({ query: `{ ${'a'.repeat(size)} }` }),
  'a type': (size) => ({ query: `query ($a: ${'A'.repeat(size)}) { me { id } }` }),
  'types of its own': (size) => ({
    query: `query ($a: ${'A'.repeat(size / 2)}) { me { id } } type B${'A'.repeat(size / 2)} { a: ID }`,
  }),
  'line breaks before errors': (size) => ({ query: `${'\n'.repeat(size)}{ a b c d e f g h }` }),
  'line breaks before fields that fail': (size) => ({
    query: `${'\n'.repeat(size)}{ ${Array.from({ length: 8 }, (_, n) => `a${n}: user(id: "x") { id }`).join(' ')} }`,
  }),
  'a comment': (size) => ({ query: `{ me { id } } #${'"'.repeat(size)}` }),
  'a block string': (size) => ({ query: `{ user(id: """${' \n'.repeat(size / 2)}""") { id } }` }),
  'an escaped string': (size) => ({ query: `{ user(id: "${'\\u0061'.repeat(size / 6)}") { id } }` }),
  'an operation name': (size) => ({ query: '{ me { id } }', operationName: 'a'.repeat(size) }),
  'a list in place of a value': (size) => ({
    query: 'query ($a: ID!) { user(id: $a) { id } }',
    variables: { a: Array.from({ length: size / 2 }, () => 1) },
  }),
  'lists in lists': (size) => ({
    query: '{ me { id } }',
    variables: { a: JSON.parse('['.repeat(size / 400) + ']'.repeat(size / 400)) },
  }),
  'unknown fields of an input': (size) => ({
    query: LOGIN,
    variables: { input: Object.fromEntries(Array.from({ length: size / 12 }, (_, n) => [`a${n}`, 1])) },
  }),
  'an e-mail address': (size) => ({
    query: LOGIN,
    variables: { input: { email: `a@${'a.'.repeat(size / 2)}`, password: 'x' } },
  }),
  'a password of combining marks': (size) => ({
    query: LOGIN,
    variables: { input: { email: 'a@b.cd', password: '\u0315\u0323'.repeat(size / 4) } },
  }),
};

it.each(Object.entries(DOCUMENTS))('a request with %s is answered in linear time', async (_what, parametersOf) => {
  const ratio = await growth(
    LARGEST / 4,
    (size) => JSON.stringify(parametersOf(size)),
    (body) => post(body),
  );
  expect(ratio).toBeLessThan(LINEAR);
});

const HEADERS: Record<string, (size: number) => Record<string, string>> = {
  accept: (size) => ({ accept: `application/json, "${','.repeat(size)}` }),
  authorization: (size) => ({ authorization: `Bearer${' '.repeat(size)}x` }),
  cookie: (size) => ({ cookie: 'tidings-access=;'.repeat(size / 16) }),
  'x-forwarded-for': (size) => ({ 'x-forwarded-for': '[::1]:1, '.repeat(size / 9) }),
  'user-agent': (size) => ({ 'user-agent': `Mozilla/5.0 (${' ;'.repeat(size / 2)}` }),
  origin: (size) => ({ origin: `https://${'a.'.repeat(size / 2)}` }),
  'content-type': (size) => ({ 'content-type': `application/json${' ;'.repeat(size / 2)}` }),
};

it.each(Object.entries(HEADERS))('a long header %s is read in linear time', async (_what, headersOf) => {
  const body = '{"query":"{ __typename }"}';
  const ratio = await growth(3_000, headersOf, async (headers) => {
    for (let n = 0; n < 8; n += 1) await post(body, headers);
  });
  expect(ratio).toBeLessThan(LINEAR);
});

it.each(Object.entries(TEXTS).slice(0, 4))('a socket accepts %s in linear time', async (_what, textOf) => {
  const ratio = await growth(LARGEST / 8, textOf, async (text) => {
    const socket = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
    const query = 'query ($a: ID!) { user(id: $a) { id } }';
    socket.send(subscribe('1', { query, variables: { a: text } }));
    const answered = () => socket.messages.some(({ type }) => type === 'next' || type === 'error');
    await until(answered, 'the operation was answered');
    await socket.close();
  });
  expect(ratio).toBeLessThan(LINEAR);
});
