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
  description: "How a session's tokens travel. It belongs to the session and never changes.",
  valuesMap: {
    BODY: { description: 'In the reply; the client sends the access token as `Authorization: Bearer`.' },
    COOKIE: {
      description:
        'In HttpOnly cookies that the browser keeps and sends; both tokens in the reply are null. For pages of ALLOWED_ORIGINS, ' +
        'which send the header `x-tidings-csrf: 1` with every operation, else it is `FORBIDDEN` as a whole. Only POST and the ' +
        'upgrade of a WebSocket carry them, and beside `Authorization` they do not count.',
    },
  },
});

/** Who a session belongs to. */
export enum SessionKind {
  PERSON = 'PERSON',
}

registerEnumType(SessionKind, {
  name: 'SessionKind',
  description: 'What a session was opened for. Expect other kinds in later versions.',
  valuesMap: { PERSON: { description: 'A person who has signed in.' } },
});

@ObjectType({ description: 'A WebSocket that is open now.' })
export class OpenSocket {
  @Field({ description: 'Where it comes from.' })
  address!: string;

  @Field({ description: 'When it was opened.' })
  since!: Date;
}

@ObjectType({ description: 'One sign-in on one device. It lives until it is ended, unused for too long, or too old.' })
export class Session {
  @Field(() => ID, { description: 'Never changes, however often the tokens do.' })
  id!: string;

  @Field(() => SessionKind, { description: 'What it was opened for.' })
  kind!: SessionKind;

  @Field(() => User, { description: 'The account that it acts for.' })
  user!: User;

  @ViewerDependent()
  @Field({ description: 'Whether it is the session of this very request.' })
  current!: boolean;

  @ViewerDependent()
  @Field(() => Date, {
    nullable: true,
    description:
      'When the access token of this very request expires, also one in a cookie: `refresh` before that. Null for other sessions.',
  })
  accessTokenExpiresAt!: Date | null;

  @Field({ description: 'The time of the service when this was read: the clock of a client may be wrong.' })
  now!: Date;

  @Field(() => TokenTransport, { description: 'How its tokens travel.' })
  transport!: TokenTransport;

  @Field({ description: 'Address that it was last refreshed from.' })
  address!: string;

  @Field(() => String, { nullable: true, description: '`User-Agent` that it was opened with.' })
  userAgent!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'The same in words, such as "Firefox 142 on Windows" or "curl 8.5": what the client said of itself. Null if it said nothing.',
  })
  device!: string | null;

  @Field({ description: 'When the account signed in.' })
  createdAt!: Date;

  @Field({ description: 'When it was last used: by a request, a refresh or an open socket. Up to a minute late.' })
  lastUsedAt!: Date;

  @Field(() => [OpenSocket], {
    description: 'Its open sockets on all instances, the first opened first. Of other instances up to a second late.',
  })
  openSockets!: OpenSocket[];

  @Field({ description: 'When it ends at the latest, however much it is used.' })
  expiresAt!: Date;
}

@ObjectType({ description: 'What a sign-in gives. In COOKIE transport the reply also sets both tokens as cookies.' })
export class AuthPayload {
  @Field(() => String, {
    nullable: true,
    description:
      'Send it as `Authorization: Bearer …`, and so in the payload of `connection_init` too. Null in COOKIE transport.',
  })
  accessToken!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'Exchange it for new tokens by `refresh` before the access token expires. Null in COOKIE transport.',
  })
  refreshToken!: string | null;

  @Field({ description: 'When the access token expires.' })
  accessTokenExpiresAt!: Date;

  @Field(() => User, { description: 'The account that is now signed in.' })
  user!: User;

  @Field(() => Session, { description: 'The session that is now open.' })
  session!: Session;
}
