// Sign-in as in https://docs.nestjs.com/security/authentication, and rotating refresh tokens, hashed in a table.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { EntityManager } from '@mikro-orm/postgresql';
import {
  type CanActivate,
  createParamDecorator,
  type ExecutionContext,
  Injectable,
  SetMetadata,
  UnauthorizedException,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { Args, GqlExecutionContext, Mutation, Query, Resolver } from '@nestjs/graphql';
import { JwtService } from '@nestjs/jwt';
import { verify } from '@node-rs/argon2';
import type { Request } from 'express';
import { type Account, AccountEntity, RefreshTokenEntity } from './entities.js';
import type { Loaders } from './loaders.js';
import { AuthPayload, LoginInput, User } from './types.js';

export const ACCESS_TOKEN_S = 3_600;
const REFRESH_TOKEN_MS = 30 * 24 * 3_600_000;

export interface Context {
  readonly req: Request & { user?: { readonly sub: string; readonly role: string } };
  readonly loaders: Loaders;
}

const IS_PUBLIC = 'isPublic';
const Public = () => SetMetadata(IS_PUBLIC, true);

export const ViewerId = createParamDecorator((_data: unknown, context: ExecutionContext): string => {
  return GqlExecutionContext.create(context).getContext<Context>().req.user!.sub;
});

@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly jwt: JwtService,
    private readonly reflector: Reflector,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()])) return true;
    const { req } = GqlExecutionContext.create(context).getContext<Context>();
    const [type, token] = req.headers.authorization?.split(' ') ?? [];
    if (type !== 'Bearer' || !token) throw new UnauthorizedException();
    try {
      req.user = await this.jwt.verifyAsync(token);
    } catch {
      throw new UnauthorizedException();
    }
    return true;
  }
}

@Injectable()
export class AuthService {
  constructor(
    private readonly em: EntityManager,
    private readonly jwt: JwtService,
  ) {}

  async login({ email, password }: LoginInput): Promise<AuthPayload> {
    const account = await this.em.findOne(
      AccountEntity,
      { email: email.toLowerCase() },
      { populate: ['passwordHash'] },
    );
    const hash = account?.passwordHash;
    if (!account || !hash || account.disabledAt || !(await verify(hash, password))) throw new UnauthorizedException();
    return this.issue(account, randomUUID());
  }

  /** Each refresh token works once. One that was used already ends all tokens of its sign-in. */
  async refresh(token: string): Promise<AuthPayload> {
    const stored = await this.em.findOne(RefreshTokenEntity, { hash: hashOf(token) }, { populate: ['account'] });
    if (!stored || stored.expiresAt < new Date() || stored.account.disabledAt) throw new UnauthorizedException();
    if (stored.usedAt) {
      await this.em.nativeDelete(RefreshTokenEntity, { family: stored.family });
      throw new UnauthorizedException();
    }
    stored.usedAt = new Date();
    return this.issue(stored.account, stored.family);
  }

  private async issue(account: Account, family: string): Promise<AuthPayload> {
    const refreshToken = randomBytes(32).toString('base64url');
    this.em.create(RefreshTokenEntity, {
      id: randomUUID(),
      account,
      family,
      hash: hashOf(refreshToken),
      expiresAt: new Date(Date.now() + REFRESH_TOKEN_MS),
    });
    await this.em.flush();
    return {
      accessToken: await this.jwt.signAsync({ sub: account.id, role: account.role }),
      refreshToken,
      accessTokenExpiresAt: new Date(Date.now() + ACCESS_TOKEN_S * 1_000),
      user: account,
    };
  }
}

@Resolver()
export class AuthResolver {
  constructor(
    private readonly auth: AuthService,
    private readonly em: EntityManager,
  ) {}

  @Query(() => User)
  me(@ViewerId() id: string): Promise<User> {
    return this.em.findOneOrFail(AccountEntity, id);
  }

  @Public()
  @Mutation(() => AuthPayload)
  login(@Args('input') input: LoginInput): Promise<AuthPayload> {
    return this.auth.login(input);
  }

  @Public()
  @Mutation(() => AuthPayload)
  refresh(@Args('refreshToken') token: string): Promise<AuthPayload> {
    return this.auth.refresh(token);
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}
