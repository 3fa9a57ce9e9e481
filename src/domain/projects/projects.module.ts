import { Module } from '@nestjs/common';
import { AccessChangeResolver } from './access-change.resolver.js';
import { DeletedProjects } from './deleted-projects.js';
import { ProjectMemberService } from './project-member.service.js';
import { ProjectMemberResolver, ProjectMembersResolver } from './project-member.resolver.js';
import { ProjectConnectionResolver, ProjectResolver, ProjectStateResolver } from './project.resolver.js';
import { ProjectService } from './project.service.js';

@Module({
  providers: [
    AccessChangeResolver,
    DeletedProjects,
    ProjectConnectionResolver,
    ProjectMemberResolver,
    ProjectMembersResolver,
    ProjectMemberService,
    ProjectResolver,
    ProjectService,
    ProjectStateResolver,
  ],
  exports: [DeletedProjects, ProjectMemberService, ProjectService],
})
export class ProjectsModule {}
