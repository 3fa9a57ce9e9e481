// The server that bench/requests.mjs compares with: what a NestJS developer builds from the documentation of NestJS, Apollo Server,
// MikroORM and DataLoader. It is built by the bench and configured by PORT, DATABASE_URL, JWT_SECRET and SCHEMA.
//
// It has, like ours: the same tables and rows, sign-in with argon2id, short access tokens and rotating refresh tokens, one statement for
// the nested fields of many parents, pages by cursor, access by membership.
// It lacks: an event log and subscriptions, revocation of access tokens, roles of accounts, rate limits and limits of documents, an audit
// trail, validation of input beyond the schema, versions, idempotency, mentions, metrics and cookies.
import 'reflect-metadata';
import { readFileSync } from 'node:fs';
import { EntityManager, MikroORM, RequestContext } from '@mikro-orm/postgresql';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { type MiddlewareConsumer, Module, type NestModule } from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { GraphQLModule } from '@nestjs/graphql';
import { JwtModule } from '@nestjs/jwt';
import type { NextFunction, Request, Response } from 'express';
import { PubSub } from 'graphql-subscriptions';
import { ACCESS_TOKEN_S, AuthGuard, AuthResolver, AuthService, type Context } from './auth.js';
import * as entities from './entities.js';
import { Loaders } from './loaders.js';
import {
  CommentResolver,
  ProjectMemberResolver,
  ProjectResolver,
  ProjectService,
  ProjectUpdateResolver,
  PUB_SUB,
} from './projects.js';
import { withRestOf } from './rest-of-schema.js';

// oxlint-disable-next-line no-process-env -- this is the program
const { PORT, DATABASE_URL, JWT_SECRET, SCHEMA } = process.env as Record<string, string>;

/** What `@mikro-orm/nestjs` does. */
@Module({
  providers: [
    {
      provide: MikroORM,
      useFactory: () =>
        MikroORM.init({
          clientUrl: DATABASE_URL!,
          entities: [
            entities.AccountEntity,
            entities.RefreshTokenEntity,
            entities.ProjectEntity,
            entities.ProjectMemberEntity,
            entities.ProjectUpdateEntity,
            entities.CommentEntity,
          ],
          pool: { max: 20 },
        }),
    },
    { provide: EntityManager, inject: [MikroORM], useFactory: (orm: MikroORM) => orm.em },
  ],
  exports: [MikroORM, EntityManager],
})
class DatabaseModule implements NestModule {
  constructor(private readonly orm: MikroORM) {}

  configure(consumer: MiddlewareConsumer): void {
    consumer
      .apply((_request: Request, _response: Response, next: NextFunction) => RequestContext.create(this.orm.em, next))
      .forRoutes('{*all}');
  }
}

@Module({
  imports: [
    DatabaseModule,
    JwtModule.register({ secret: JWT_SECRET!, signOptions: { expiresIn: ACCESS_TOKEN_S } }),
    GraphQLModule.forRootAsync<ApolloDriverConfig>({
      driver: ApolloDriver,
      imports: [DatabaseModule],
      inject: [EntityManager],
      useFactory: (em: EntityManager) => ({
        autoSchemaFile: true,
        sortSchema: true,
        playground: false,
        introspection: true,
        transformSchema: (schema) => withRestOf(schema, readFileSync(SCHEMA!, 'utf8')),
        context: ({ req }: Pick<Context, 'req'>): Context => ({
          req,
          loaders: new Loaders(em, () => req.user!.sub),
        }),
      }),
    }),
  ],
  providers: [
    { provide: APP_GUARD, useClass: AuthGuard },
    { provide: PUB_SUB, useValue: new PubSub() },
    AuthService,
    AuthResolver,
    ProjectService,
    ProjectResolver,
    ProjectMemberResolver,
    ProjectUpdateResolver,
    CommentResolver,
  ],
})
class AppModule {}

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(Number(PORT), '127.0.0.1');
