// Sessions and sign-in as the API shows them.
import { Field, ID, ObjectType, registerEnumType } from '@nestjs/graphql';
import { ViewerDependent } from '../access/sharing.js';
import { User } from '../accounts/account.type.js';

export enum TokenTransport {
  BODY = 'BODY',
  COOKIE = 'COOKIE',
}

registerEnumType(TokenTransport, {
  name: 'TokenTransport',
  description: 'Transport of a session’s tokens. It never changes.',
  valuesMap: {
    BODY: { description: 'In the reply; the client sends the access token as `Authorization: Bearer`.' },
    COOKIE: {
      description:
        'In HttpOnly cookies that the browser keeps and sends; both tokens in the reply are null. For pages of ALLOWED_ORIGINS, ' +
        'which send the CSRF header of the service as `1` with every operation, otherwise it is `FORBIDDEN`. Only POST and the ' +
        'WebSocket upgrade carry them, and `Authorization` takes precedence.',
    },
  },
});

/** The owner of a session. */
export enum SessionKind {
  PERSON = 'PERSON',
}

registerEnumType(SessionKind, {
  name: 'SessionKind',
  description: 'Kinds of sessions. Later versions may add others.',
  valuesMap: { PERSON: { description: 'A person who signed in.' } },
});

@ObjectType({ description: 'An open WebSocket.' })
export class OpenSocket {
  @Field({ description: 'Address of the client.' })
  address!: string;

  @Field({ description: 'Time of opening.' })
  since!: Date;
}

@ObjectType({ description: 'One sign-in on one device. It lasts until it is ended, idle for too long, or too old.' })
export class Session {
  @Field(() => ID, { description: 'Stable across token rotations.' })
  id!: string;

  @Field(() => SessionKind, { description: 'Kind of the session.' })
  kind!: SessionKind;

  @Field(() => User, { description: 'The account of the session.' })
  user!: User;

  @ViewerDependent()
  @Field({ description: 'Whether it is the session of this request.' })
  current!: boolean;

  @ViewerDependent()
  @Field(() => Date, {
    nullable: true,
    description:
      'When the access token of this request expires, also one in a cookie: `refresh` before that. Null for other sessions.',
  })
  accessTokenExpiresAt!: Date | null;

  @Field({ description: 'Current time of the service, for clients with a wrong clock.' })
  now!: Date;

  @Field(() => TokenTransport, { description: 'Transport of its tokens.' })
  transport!: TokenTransport;

  @Field({ description: 'Address of the last refresh.' })
  address!: string;

  @Field(() => String, { nullable: true, description: '`User-Agent` at sign-in.' })
  userAgent!: string | null;

  @Field(() => String, {
    nullable: true,
    description: '`userAgent` in words, such as "Firefox 142 on Windows" or "curl 8.5". Null if it was absent.',
  })
  device!: string | null;

  @Field({ description: 'Time of the sign-in.' })
  createdAt!: Date;

  @Field({ description: 'Time of the last request, refresh or open socket, up to a minute late.' })
  lastUsedAt!: Date;

  @Field(() => [OpenSocket], {
    description: 'Its open sockets at all instances, oldest first; those of other instances up to a second late.',
  })
  openSockets!: OpenSocket[];

  @Field({ description: 'When it ends at the latest.' })
  expiresAt!: Date;
}

@ObjectType({ description: 'Result of a sign-in. In COOKIE transport the reply sets both tokens as cookies.' })
export class AuthPayload {
  @Field(() => String, {
    nullable: true,
    description:
      'Send it as `Authorization: Bearer …`, and in the payload of `connection_init`. Null in COOKIE transport.',
  })
  accessToken!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Exchange it for new tokens by `refresh` before the access token expires. Null in COOKIE transport.',
  })
  refreshToken!: string | null;

  @Field({ description: 'When the access token expires.' })
  accessTokenExpiresAt!: Date;

  @Field(() => User, { description: 'The signed-in account.' })
  user!: User;

  @Field(() => Session, { description: 'The new session.' })
  session!: Session;
}
