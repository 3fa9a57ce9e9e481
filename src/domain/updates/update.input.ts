// Inputs of updates and comments, with their validation.
import { Field, ID, InputType } from '@nestjs/graphql';
import { z } from 'zod';
import { id, idempotencyKey, line, notNull, paragraphs } from '../../engine/graphql/schema/input-text.js';
import { Health } from '../projects/health.js';

const title = line(200);
const body = paragraphs(20_000, 0);
const internalNote = paragraphs(4_000);
const version = z.int().min(1, 'must be at least 1').nullish();

@InputType({ description: 'A new update of a project.' })
export class PostUpdateInput {
  @Field(() => ID, { description: 'Id of the project.' })
  projectId!: string;

  @Field({ description: 'One line of 1 to 200 characters.' })
  title!: string;

  @Field(() => String, { nullable: true, description: 'Up to 20,000 characters.' })
  body?: string | null;

  @Field(() => Health, { description: 'Health of the project.' })
  health!: Health;

  @Field(() => String, { nullable: true, description: 'Visible to EDITORs only; up to 4,000 characters.' })
  internalNote?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Chosen by the client, 1 to 64 characters: the same input with the same key returns the existing update, ' +
      'another input is a `CONFLICT`. Keys are scoped to the account and the project.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Fields to change, at least one; absent fields stay unchanged.' })
export class EditUpdateInput {
  @Field(() => String, { nullable: true, description: 'One line of 1 to 200 characters.' })
  title?: string | null;

  @Field(() => String, { nullable: true, description: 'Up to 20,000 characters.' })
  body?: string | null;

  @Field(() => Health, { nullable: true, description: 'Health of the project.' })
  health?: Health | null;

  @Field(() => String, { nullable: true, description: 'Up to 4,000 characters; null removes it.' })
  internalNote?: string | null;
}

@InputType({ description: 'A new comment.' })
export class PostCommentInput {
  @Field(() => ID, { description: 'Id of the project.' })
  projectId!: string;

  @Field(() => ID, { nullable: true, description: 'Id of the update to comment on; absent: the chat of the project.' })
  updateId?: string | null;

  @Field({ description: '1 to 4,000 characters.' })
  body!: string;

  @Field(() => String, {
    nullable: true,
    description:
      'Chosen by the client, 1 to 64 characters: the same input with the same key returns the existing comment, ' +
      'another input is a `CONFLICT`. Keys are scoped to the account and the project.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'Changes of a comment.' })
export class EditCommentInput {
  @Field({ description: '1 to 4,000 characters.' })
  body!: string;
}

export const postUpdateArgs = z.object({
  input: z.object({
    projectId: id,
    title,
    body: body.nullish().transform((text) => text ?? ''),
    health: z.enum(Health),
    internalNote: internalNote.nullish().transform((text) => text ?? null),
    idempotencyKey: idempotencyKey.nullish().transform((key) => key ?? null),
  }),
});

export const editUpdateArgs = z.object({
  id,
  version,
  input: z
    .object({
      title: notNull(title),
      body: notNull(body),
      health: notNull(z.enum(Health)),
      internalNote: internalNote.nullish(),
    })
    .refine((input) => Object.keys(input).length > 0, 'must change something'),
});

export const postCommentArgs = z.object({
  input: z.object({
    projectId: id,
    updateId: id.nullish().transform((value) => value ?? null),
    body: paragraphs(4_000),
    idempotencyKey: idempotencyKey.nullish().transform((key) => key ?? null),
  }),
});

export const editCommentArgs = z.object({ id, version, input: z.object({ body: paragraphs(4_000) }) });

export type NewUpdate = z.infer<typeof postUpdateArgs>['input'];
export type UpdateChanges = z.infer<typeof editUpdateArgs>['input'];
export type CommentChanges = z.infer<typeof editCommentArgs>['input'];
export type NewComment = z.infer<typeof postCommentArgs>['input'];
