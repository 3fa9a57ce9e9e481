// What clients send about updates and comments, and the shapes it must have.
import { Field, ID, InputType } from '@nestjs/graphql';
import { z } from 'zod';
import { id, idempotencyKey, line, notNull, paragraphs } from '../../engine/graphql/input-text.js';
import { Health } from '../projects/health.js';

const title = line(200);
const body = paragraphs(20_000, 0);
const internalNote = paragraphs(4_000);
const version = z.int().min(1, 'must be at least 1').nullish();

@InputType({ description: 'A new update of a project.' })
export class PostUpdateInput {
  @Field(() => ID, { description: 'Of the project.' })
  projectId!: string;

  @Field({ description: 'One line of 1 to 200 characters.' })
  title!: string;

  @Field(() => String, { nullable: true, description: 'Up to 20,000 characters.' })
  body?: string | null;

  @Field(() => Health, { description: 'How the project is doing.' })
  health!: Health;

  @Field(() => String, { nullable: true, description: 'For those who edit the project alone; up to 4,000 characters.' })
  internalNote?: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'Of your own making, 1 to 64 characters: the same input with the same key gives the update that is there already, ' +
      'another input `CONFLICT`. Nobody else shares your keys, and each project has its own.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'What to change; absent fields stay as they are. At least one must be given.' })
export class EditUpdateInput {
  @Field(() => String, { nullable: true, description: 'One line of 1 to 200 characters.' })
  title?: string | null;

  @Field(() => String, { nullable: true, description: 'Up to 20,000 characters.' })
  body?: string | null;

  @Field(() => Health, { nullable: true, description: 'How the project was doing.' })
  health?: Health | null;

  @Field(() => String, { nullable: true, description: 'Up to 4,000 characters; null takes it away.' })
  internalNote?: string | null;
}

@InputType({ description: 'A new comment.' })
export class PostCommentInput {
  @Field(() => ID, { description: 'Of the project.' })
  projectId!: string;

  @Field(() => ID, { nullable: true, description: 'The update that it is about; absent: the chat of the project.' })
  updateId?: string | null;

  @Field({ description: '1 to 4,000 characters.' })
  body!: string;

  @Field(() => String, {
    nullable: true,
    description:
      'Of your own making, 1 to 64 characters: the same input with the same key gives the comment that is there already, ' +
      'another input `CONFLICT`. Nobody else shares your keys, and each project has its own.',
  })
  idempotencyKey?: string | null;
}

@InputType({ description: 'What to change of a comment.' })
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
