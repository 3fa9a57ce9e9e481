// One project on the wall.
import { Link } from '@tanstack/react-router';
import { memo, type ReactNode } from 'react';
import { Age } from '../../../shared/age.js';
import { HealthMark } from '../../../shared/shapes.js';
import { Avatars, type Person } from '../frame/avatars.js';
import { Bars } from './bars.js';
import { NewMark } from './new-mark.js';
import styles from './project-card.module.css';
import type { Card } from './wall-data.js';

export interface Watchers {
  readonly count: number;
  readonly viewers: readonly Person[];
}

export const ProjectCard = memo(function ProjectCard({
  project,
  watchers,
}: {
  readonly project: Card;
  readonly watchers: Watchers | undefined;
}): ReactNode {
  const { key, name, health, latestUpdate, activity } = project;
  return (
    <article className={styles.card} data-project={key} data-id={project.id}>
      <p className={styles.strip} data-health={health ?? 'NONE'}>
        <HealthMark health={health ?? null} />
        {latestUpdate && <NewMark key={latestUpdate.id} at={latestUpdate.createdAt} />}
      </p>
      <div className={styles.body}>
        <h2 className={styles.name}>
          <Link
            className={styles.link}
            to="/"
            search={(search) => ({ ...search, project: key })}
            state={{ opened: true } as object}
            resetScroll={false}
            dir="auto"
          >
            {name}
          </Link>
        </h2>
        {latestUpdate ? (
          <>
            <p className={styles.title} dir="auto">
              {latestUpdate.title}
            </p>
            <p className={styles.by}>
              <bdi className={styles.author}>{latestUpdate.author.name}</bdi>
              <span aria-hidden="true">·</span>
              <Age at={latestUpdate.createdAt} />
            </p>
          </>
        ) : (
          <p className={styles.by}>No update yet</p>
        )}
      </div>
      <div className={styles.foot}>
        <Bars activity={activity} />
        {watchers && <Avatars people={watchers.viewers} count={watchers.count} />}
      </div>
    </article>
  );
});
