// Measures the cost of an access policy on a field: npm run build:test && node bench/guarded-field.mjs [rounds] [objects]
// Reads `budget` and `version` of the same projects with the real schema; the difference is the cost of the guard on `budget`.
import { NestFactory } from '@nestjs/core';
import { GraphQLSchemaBuilderModule, GraphQLSchemaFactory } from '@nestjs/graphql';
import { execute, parse } from 'graphql';
import { ProjectResolver } from '../dist/src/domain/projects/project.resolver.js';
import { OperationContext } from '../dist/src/engine/access/operation-context.js';
import { classifier } from '../dist/src/engine/access/permission-class.js';
import { policiesOf } from '../dist/src/engine/access/policy.js';
import { SharedContext } from '../dist/src/engine/access/shared-context.js';
import { guardSchema } from '../dist/src/engine/graphql/schema/guarded-schema.js';
import { median } from './service.mjs';

const [rounds = '41', objects = '10000'] = process.argv.slice(2);
const OBJECTS = Number(objects);

const builder = await NestFactory.createApplicationContext(GraphQLSchemaBuilderModule, { logger: false });
const schema = guardSchema(await builder.get(GraphQLSchemaFactory).create([ProjectResolver]));
const projects = { nodes: Array.from({ length: OBJECTS }, () => ({ id: 'p', budget: 1, version: 1 })) };
schema.getQueryType().getFields()['projects'].resolve = () => projects;

const rights = (role) => ({ role: 'EDITOR', disabled: false, resources: new Map([['p', role]]) });
const view = { em: {}, lastCursor: '', load: () => {} };
const viewerIs = (role) =>
  new OperationContext(
    () => view,
    {},
    { principal: { accountId: 'a', sessionId: 's', rights: rights(role) } },
    'socket',
  );
const rules = [schema.getQueryType().getFields()['projects'], schema.getType('Project').getFields()['budget']].flatMap(
  ({ extensions }) => policiesOf(extensions).map(({ byClass }) => byClass.rule),
);
const classify = classifier(new Set(rules));
const classIs = (role) => new SharedContext(view, classify(rights(role), 'p'), 'p');

const guarded = parse('{ projects { nodes { budget } } }');
const plain = parse('{ projects { nodes { version } } }');

/** ns of CPU that one field takes, the list around it included. */
async function perField(document, contextValue) {
  const began = process.cpuUsage();
  await execute({ schema, document, contextValue });
  const { user, system } = process.cpuUsage(began);
  return ((user + system) * 1_000) / OBJECTS;
}

/** The guard of one field, in ns: the median of the differences of pairs that were taken in turns. */
async function guard(name, context) {
  const differences = [];
  for (let round = -10; round < Number(rounds); round += 1) {
    const difference = (await perField(guarded, context)) - (await perField(plain, context));
    if (round >= 0) differences.push(difference);
  }
  const aim = name.includes('shown') ? ' (aim: at most 1000)' : ', the error of graphql-js included';
  console.log(`${name.padEnd(28)} ${median(differences).toFixed(0)} ns per field${aim}`);
}

await guard('one viewer, shown', viewerIs('EDITOR'));
await guard('a class, shown', classIs('EDITOR'));
await guard('one viewer, denied', viewerIs('VIEWER'));
await guard('a class, denied', classIs('VIEWER'));

/** ns of CPU of one call, the median of the rounds. */
function call(name, work) {
  const taken = [];
  for (let round = -10; round < Number(rounds); round += 1) {
    const began = process.cpuUsage();
    for (let at = 0; at < OBJECTS; at += 1) work();
    const { user, system } = process.cpuUsage(began);
    if (round >= 0) taken.push(((user + system) * 1_000) / OBJECTS);
  }
  console.log(`${name.padEnd(28)} ${median(taken).toFixed(0)} ns per call`);
}

const viewer = rights('EDITOR');
call('the class of one viewer', () => classify(viewer, 'p'));

await builder.close();
