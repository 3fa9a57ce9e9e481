// The events of every aggregate, as clients read and follow them. Last in the import order: aggregates do not import it.
import { Module } from '@nestjs/common';
import { ProjectsModule } from '../projects/projects.module.js';
import { NodeResolver } from './node.resolver.js';
import { ProjectEventResolver } from './project-event.resolver.js';
import { ProjectFeeds } from './project-feeds.js';
import { ProjectHistory } from './project-history.js';

@Module({
  imports: [ProjectsModule],
  providers: [NodeResolver, ProjectEventResolver, ProjectFeeds, ProjectHistory],
})
export class FeedModule {}
