import { Module } from '@nestjs/common';
import { ProjectsModule } from '../projects/projects.module.js';
import { CommentResolver, ProjectCommentsResolver } from './comment.resolver.js';
import { CommentService } from './comment.service.js';
import { NodeResolver } from './node.resolver.js';
import { ProjectEventResolver } from './project-event.resolver.js';
import { ProjectFeeds } from './project-feeds.js';
import { ProjectHistory } from './project-history.js';
import { ProjectUpdatesResolver, UpdateResolver } from './update.resolver.js';
import { UpdateService } from './update.service.js';

@Module({
  imports: [ProjectsModule],
  providers: [
    CommentResolver,
    CommentService,
    NodeResolver,
    ProjectCommentsResolver,
    ProjectEventResolver,
    ProjectFeeds,
    ProjectHistory,
    ProjectUpdatesResolver,
    UpdateResolver,
    UpdateService,
  ],
  exports: [CommentService, UpdateService],
})
export class UpdatesModule {}
