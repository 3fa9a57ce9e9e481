import { Module } from '@nestjs/common';
import { DeletedProjects } from './deleted-projects.js';
import { ProjectMemberService } from './project-member.service.js';
import { ProjectMemberResolver, ProjectResolver } from './project.resolver.js';
import { ProjectService } from './project.service.js';

@Module({
  providers: [DeletedProjects, ProjectMemberResolver, ProjectMemberService, ProjectResolver, ProjectService],
  exports: [DeletedProjects, ProjectMemberService, ProjectService],
})
export class ProjectsModule {}
