import { Module } from '@nestjs/common';
import { ProjectsModule } from '../projects/projects.module.js';
import { CommentResolver, ProjectCommentsResolver } from './comment.resolver.js';
import { CommentService } from './comment.service.js';
import { ProjectUpdatesResolver, UpdateResolver } from './update.resolver.js';
import { UpdateService } from './update.service.js';

@Module({
  imports: [ProjectsModule],
  providers: [
    CommentResolver,
    CommentService,
    ProjectCommentsResolver,
    ProjectUpdatesResolver,
    UpdateResolver,
    UpdateService,
  ],
  exports: [CommentService, UpdateService],
})
export class UpdatesModule {}
