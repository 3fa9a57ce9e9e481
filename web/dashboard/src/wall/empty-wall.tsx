import { useSession } from '@tidings/client/react';
import type { ReactNode } from 'react';
import styles from './desk.module.css';

export function EmptyWall(): ReactNode {
  const session = useSession();
  const mayCreate = session.status === 'signed-in' && session.account.role !== 'USER';
  return (
    <div className={styles.middle}>
      <h1 className={styles.title}>No projects yet</h1>
      <p>
        {mayCreate
          ? 'Create one, or ask an owner to invite you. It appears here automatically.'
          : 'Ask the owner of a project to invite you. It appears here automatically.'}
      </p>
    </div>
  );
}
