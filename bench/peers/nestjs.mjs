// NestJS as in its documentation: graphql-ws, `graphql-redis-subscriptions`, a guard for the subscription and one for a field.
import 'reflect-metadata';
import { ApolloDriver } from '@nestjs/apollo';
import { Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Args,
  GqlExecutionContext,
  GraphQLModule,
  Parent,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import { JwtModule, JwtService } from '@nestjs/jwt';
import { RedisPubSub } from 'graphql-redis-subscriptions';
import { Redis } from 'ioredis';
import { follow, TYPE_DEFS } from './peer.mjs';

// oxlint-disable-next-line no-process-env -- how the bench tells it
const { REDIS_URL } = process.env;
const SECRET = 'of the bench alone';
const pubsub = new RedisPubSub({ publisher: new Redis(REDIS_URL), subscriber: new Redis(REDIS_URL) });

/** Applies decorators as a compiler would: this file is run as it is. */
function decorate(target, name, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(target, name);
  for (const decorator of decorators.reverse()) decorator(target, name, descriptor);
}

class SignedInGuard {
  canActivate(context) {
    const { user } = GqlExecutionContext.create(context).getContext();
    return Boolean(user && user.exp * 1000 > Date.now());
  }
}

class EditorGuard {
  canActivate(context) {
    return GqlExecutionContext.create(context).getContext().user?.role === 'EDITOR';
  }
}

class EventResolver {
  projectUpdated(projectId) {
    return pubsub.asyncIterableIterator(`project.${projectId}`);
  }
}
Args('projectId')(EventResolver.prototype, 'projectUpdated', 0);
decorate(
  EventResolver.prototype,
  'projectUpdated',
  UseGuards(SignedInGuard),
  Subscription('projectUpdated', {
    filter: ({ projectUpdated }, { projectId }, { user }) =>
      projectUpdated.projectId === projectId && user.projects.includes(projectId),
  }),
);
Resolver('ProjectEvent')(EventResolver);

class UpdateResolver {
  internalNote(update) {
    return update.internalNote;
  }
}
Parent()(UpdateResolver.prototype, 'internalNote', 0);
decorate(UpdateResolver.prototype, 'internalNote', UseGuards(EditorGuard), ResolveField('internalNote'));
Resolver('ProjectUpdate')(UpdateResolver);

class AppModule {}
const jwt = new JwtService({ secret: SECRET });
Module({
  imports: [
    JwtModule.register({ secret: SECRET }),
    GraphQLModule.forRoot({
      driver: ApolloDriver,
      typeDefs: TYPE_DEFS,
      fieldResolverEnhancers: ['guards'],
      subscriptions: {
        'graphql-ws': {
          onConnect: (context) => {
            context.extra.user = jwt.verify(context.connectionParams.authorization);
          },
        },
      },
      context: ({ extra }) => ({ user: extra?.user }),
    }),
  ],
  providers: [EventResolver, UpdateResolver],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error'] });
await app.listen(0, '127.0.0.1');
process.send({ token: jwt.sign({ role: 'EDITOR', projects: ['p'] }, { expiresIn: '1h' }) });
follow(app.getHttpServer().address().port, (event) =>
  pubsub.publish(`project.${event.projectId}`, { projectUpdated: event }),
);
