// `announce`, `announcementPosted`.
import { Args, Context, Mutation, ResolveField, Resolver, Subscription } from '@nestjs/graphql';
import { z } from 'zod';
import type { OperationContext } from '../../engine/access/operation-context.js';
import { HasRole, SignedIn } from '../../engine/access/policies.js';
import { Role } from '../../engine/access/role.js';
import { accountById } from '../../engine/accounts/account.loader.js';
import { User } from '../../engine/accounts/account.type.js';
import { Input, Limited } from '../../engine/graphql/schema/field-rules.js';
import { paragraphs } from '../../engine/graphql/schema/input-text.js';
import { type AccountLimit, HOUR } from '../../engine/limits/limit.js';
import { AnnouncementService, type PostedAnnouncement } from './announcement.service.js';
import { Announcement } from './announcement.type.js';

/** Each announcement reaches all connected accounts. */
const ANNOUNCEMENTS: AccountLimit = { name: 'announce', points: 60, seconds: HOUR, counts: 'attempts' };

@Resolver(() => Announcement)
export class AnnouncementResolver {
  constructor(private readonly service: AnnouncementService) {}

  @HasRole(Role.ADMIN)
  @Input(z.object({ message: paragraphs(1_000) }))
  @Limited(ANNOUNCEMENTS)
  @Mutation(() => Announcement, {
    description: 'Sends a message to all connected accounts at all instances. Recorded in the audit log.',
  })
  announce(
    @Context() context: OperationContext,
    @Args('message', { description: '1 to 1,000 characters.' }) message: string,
  ) {
    return this.service.announce(context, message);
  }

  @SignedIn()
  @Subscription(() => Announcement, {
    resolve: (announcement: PostedAnnouncement) => announcement,
    description: 'Announcements as they are sent. Not resumable.',
  })
  announcementPosted() {
    return this.service.subscribe();
  }

  @ResolveField(() => User)
  author({ author, authorId }: PostedAnnouncement, _args: unknown, context: OperationContext) {
    return author ?? context.load(accountById, authorId);
  }
}
