// Inputs of projects and members, with their validation.
import { Field, Float, InputType } from '@nestjs/graphql';
import { z } from 'zod';
import { id, line, notNull, paragraphs, searchText } from '../../engine/graphql/schema/input-text.js';
import { DEFAULT_DAYS, MAX_DAYS } from './project-activity.js';
import { ProjectOrder } from './project-order.js';
import { ProjectRole } from './project-role.js';
import { Health } from './health.js';

export const projectKey = z
  .string()
  .transform((value) => value.trim())
  .pipe(
    z.string().regex(/^[a-z][a-z0-9-]{1,19}$/i, 'must be 2 to 20 letters A to Z, digits and hyphens, a letter first'),
  )
  .transform((value) => value.toUpperCase());
const name = line(120);
const description = paragraphs(4_000, 0);
const budget = z
  .number('must be a number')
  .min(0, 'must not be negative')
  .max(999_999_999_999.99, 'is too large')
  // Tolerates floating-point error: 0.1 + 0.2.
  .refine((value) => Math.abs(value - Number(value.toFixed(2))) < 1e-6, 'must have at most two decimals')
  .transform((value) => Number(value.toFixed(2)));
const version = z.int().min(1, 'must be at least 1').nullish();

@InputType({ description: 'A new project. Its creator becomes OWNER.' })
export class CreateProjectInput {
  @Field({
    description:
      '2 to 20 letters A to Z, digits and hyphens, starting with a letter; unique among projects, stored in capitals.',
  })
  key!: string;

  @Field({ description: '1 to 120 characters.' })
  name!: string;

  @Field(() => String, { nullable: true, description: 'Up to 4,000 characters.' })
  description?: string | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Budget with at most two decimals; null if unknown.',
  })
  budget?: number | null;
}

@InputType({ description: 'Fields to change, at least one; absent fields stay unchanged.' })
export class EditProjectInput {
  @Field(() => String, { nullable: true, description: '1 to 120 characters.' })
  name?: string | null;

  @Field(() => String, { nullable: true, description: 'Up to 4,000 characters.' })
  description?: string | null;

  @Field(() => Float, {
    nullable: true,
    description: 'Budget with at most two decimals; null removes it.',
  })
  budget?: number | null;
}

const given = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;

export const createProjectArgs = z.object({
  input: z.object({
    key: projectKey,
    name,
    description: description.nullish().transform((text) => text ?? ''),
    budget: budget.nullish(),
  }),
});

export const editProjectArgs = z.object({
  id,
  version,
  input: z
    .object({ name: notNull(name), description: notNull(description), budget: budget.nullish() })
    .refine((input) => Object.keys(input).length > 0, 'must change something'),
});

export const projectArgs = z
  .object({ id: id.nullish(), key: projectKey.nullish() })
  .refine(({ id: byId, key }) => given(byId) !== given(key), { path: ['id'], message: 'give either id or key' });

export const projectsArgs = z.looseObject({
  filter: z
    .object({
      health: z.array(z.enum(Health)).max(3, 'names each health once').nullish(),
      search: searchText,
      mine: z.boolean().nullish(),
    })
    .nullish(),
  orderBy: z.enum(ProjectOrder).nullish(),
});

export const activityArgs = z.object({
  days: z
    .int()
    .min(1, 'must be at least 1')
    .max(MAX_DAYS, `must be at most ${MAX_DAYS}`)
    .nullish()
    .transform((days) => days ?? DEFAULT_DAYS),
});

export const setMemberArgs = z.object({ projectId: id, userId: id, role: z.enum(ProjectRole) });
export const removeMemberArgs = z.object({ projectId: id, userId: id });
export const idArgs = z.object({ id });

export type ProjectFilterInput = z.infer<typeof projectsArgs>['filter'];
export type NewProject = z.infer<typeof createProjectArgs>['input'];
export type ProjectChanges = z.infer<typeof editProjectArgs>['input'];
