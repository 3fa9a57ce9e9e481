// Checks that the rules on a schema's fields can be enforced. A schema with a rule that cannot be enforced does not build.
import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLInterfaceType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { policiesOf, type Policy } from '../../access/policy.js';
import { deliveryArgumentsOf } from '../../access/sharing.js';

type Field = GraphQLField<unknown, unknown>;

/** Throws an Error that names the field, unless every rule can be enforced. */
export function assertRules(schema: GraphQLSchema): void {
  const roots = new Set([schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]);
  for (const type of Object.values(schema.getTypeMap())) {
    if (type.name.startsWith('__')) continue;
    if (isInterfaceType(type)) assertKept(schema, type);
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const name = `${type.name}.${field.name}`;
      const isRoot = roots.has(type);
      const policies = policiesOf(field.extensions);
      if (isRoot && policies.length === 0) throw new Error(`${name} has no policy: declare who may call it`);
      if (!isRoot && policies.length > 0 && isNonNullType(field.type)) {
        throw new Error(`${name} is guarded and must be nullable: a denied field is null`);
      }
      for (const policy of policies) assertFindable(name, field, policy, isRoot);
      assertDelivery(name, field, type === schema.getSubscriptionType());
    }
  }
}

/** Policies of an interface field must guard it in every type: otherwise a fragment could bypass them. */
function assertKept(schema: GraphQLSchema, type: GraphQLInterfaceType): void {
  for (const { name, extensions } of Object.values(type.getFields())) {
    for (const { directive } of policiesOf(extensions)) {
      for (const implementation of schema.getImplementations(type).objects) {
        const kept = policiesOf(implementation.getFields()[name]?.extensions);
        if (kept.some((policy) => policy.directive.name === directive.name)) continue;
        throw new Error(`${implementation.name}.${name} lacks @${directive.name}, which ${type.name}.${name} declares`);
      }
    }
  }
}

/** A policy finds its object only where the arguments or the parent that it starts from exist. */
function assertFindable(name: string, field: Field, { directive, startsFrom = [] }: Policy, isRoot: boolean): void {
  if (startsFrom === 'parent') {
    if (isRoot) throw new Error(`${name}: @${directive.name} starts from the parent, which a root field does not have`);
    return;
  }
  for (const path of startsFrom) {
    if (leadsToValue(field, path)) continue;
    const argument = path.join('.');
    throw new Error(
      `${name}: @${directive.name} starts from the argument "${argument}", which the field does not have`,
    );
  }
}

function leadsToValue(field: Field, [first, ...rest]: readonly string[]): boolean {
  let type: GraphQLInputType | undefined = field.args.find(({ name }) => name === first)?.type;
  for (const key of rest) {
    const object: unknown = type && getNullableType(type);
    type = isInputObjectType(object) ? object.getFields()[key]?.type : undefined;
  }
  return type !== undefined && isLeafType(getNullableType(type));
}

/** Arguments that are left out of shared executions must be there, and must not be missed. */
function assertDelivery(name: string, field: Field, isSubscription: boolean): void {
  const delivery = deliveryArgumentsOf(field.extensions);
  if (delivery.length > 0 && !isSubscription) throw new Error(`${name} is no subscription and delivers nothing`);
  for (const argument of delivery) {
    const declared = field.args.find((one) => one.name === argument);
    if (!declared) throw new Error(`${name} has no argument "${argument}" that could say what is delivered`);
    if (isNonNullType(declared.type) && declared.defaultValue === undefined) {
      throw new Error(`${name}: the argument "${argument}" says what is delivered and must not be required`);
    }
  }
}
