import { Module } from '@nestjs/common';
import { ProjectMemberService } from './project-member.service.js';
import { ProjectMemberResolver, ProjectResolver } from './project.resolver.js';
import { ProjectService } from './project.service.js';

@Module({
  providers: [ProjectMemberResolver, ProjectMemberService, ProjectResolver, ProjectService],
  exports: [ProjectMemberService, ProjectService],
})
export class ProjectsModule {}
