// Details of a project: everything except its updates.
import type { ReactNode } from 'react';
import { HealthMark } from '../../../shared/shapes.js';
import { controls } from '../../../shared/controls.js';
import { Avatar } from '../frame/avatars.js';
import styles from './about.module.css';
import { type ProjectView, usePresence } from './project-data.js';

const ROLES = { OWNER: 'Owner', EDITOR: 'Editor', VIEWER: 'Viewer' } as const;
const MAX_MEMBERS = 12;
const money = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });

export function About({
  project,
  asEditor,
}: {
  readonly project: NonNullable<ProjectView['project']>;
  readonly asEditor: boolean;
}): ReactNode {
  const { id, description, health, lead, budget, members, viewerRole } = project;
  const presence = usePresence(id);
  const others = members.nodes.length - MAX_MEMBERS;
  return (
    <dl className={styles.about}>
      <div>
        <dt className={styles.term}>Health</dt>
        <dd>
          <HealthMark health={health ?? null} />
        </dd>
      </div>
      {description && (
        <div>
          <dt className={styles.term}>About</dt>
          <dd className={styles.text} dir="auto">
            {description}
          </dd>
        </div>
      )}
      {lead && (
        <div>
          <dt className={styles.term}>Lead</dt>
          <dd className={styles.person}>
            <Avatar person={lead} />
            <bdi>{lead.name}</bdi>
          </dd>
        </div>
      )}
      {asEditor && (
        <div data-field="budget">
          <dt className={styles.term}>Budget</dt>
          <dd>{typeof budget === 'number' ? money.format(budget) : 'Not set'}</dd>
        </div>
      )}
      <div>
        <dt className={styles.term}>Watching now</dt>
        <dd className={styles.people}>
          {presence?.viewers.slice(0, MAX_MEMBERS).map((person) => (
            <span key={person.id} className={styles.person}>
              <Avatar person={person} />
              <bdi>{person.name}</bdi>
            </span>
          ))}
          {presence && presence.count > MAX_MEMBERS && (
            <span className={controls.hint}>and {presence.count - MAX_MEMBERS} more</span>
          )}
        </dd>
      </div>
      <div>
        <dt className={styles.term}>Members</dt>
        <dd className={styles.people}>
          {members.nodes.slice(0, MAX_MEMBERS).map(({ user, role }) => (
            <span key={user.id} className={styles.person}>
              <Avatar person={user} />
              <bdi>{user.name}</bdi>
              <span className={styles.role}>{ROLES[role]}</span>
            </span>
          ))}
          {others > 0 && (
            <span className={controls.hint}>
              and {others}
              {members.pageInfo.hasNextPage ? ' or more' : ' more'}
            </span>
          )}
        </dd>
      </div>
      {viewerRole && (
        <div>
          <dt className={styles.term}>Your role</dt>
          <dd data-field="role">{ROLES[viewerRole]}</dd>
        </div>
      )}
    </dl>
  );
}
