// Header of the Wire pane: whether the connection is open and complete, and the roles of the account.
import type { Connection } from '@tidings/client';
import { type ReactNode, useSyncExternalStore } from 'react';
import { tidings } from '../service.js';
import { useRights, useSessionState } from '../session/use-session.js';
import { clockTime } from './as-text.js';
import styles from './wire.module.css';

export function ConnectionStatus(): ReactNode {
  const connection = useSyncExternalStore(tidings.connection.subscribe, tidings.connection.get);
  return (
    <dl className={styles.known}>
      <dt>Connected</dt>
      <dd>{connectedText(connection)}</dd>
      <dt>Complete</dt>
      <dd>
        {completeText(connection)}
        {connection.complete && <code className={styles.cursor}>{connection.complete.cursor}</code>}
      </dd>
      <dt>Roles</dt>
      <dd>
        <Roles />
      </dd>
    </dl>
  );
}

const seconds = (at: number): string => clockTime(at).slice(0, 8);

function connectedText({ socket, since, reason }: Connection): string {
  if (socket === 'open') return `since ${seconds(since)}`;
  if (socket === 'connecting') return `connecting since ${seconds(since)}`;
  return reason ? `no, since ${seconds(since)}: ${reason}` : 'no';
}

function completeText({ complete, behind, recovered }: Connection): string {
  if (!complete) return 'not known yet';
  const rest =
    behind === undefined
      ? 'events since then are unknown'
      : behind === 0
        ? 'nothing is missing'
        : `${behind} events behind`;
  const since = recovered === null ? '' : recovered ? '; nothing was lost' : '; the last connection left a gap';
  return `as of ${seconds(complete.at)}, ${rest}${since}`;
}

function Roles(): ReactNode {
  const session = useSessionState();
  const rights = useRights();
  if (session.status !== 'signed-in') return 'Nobody is signed in.';
  if (!rights) return 'Not known yet.';
  const own = rights.projects.filter(({ viewerRole }) => viewerRole !== null);
  return (
    <details className={styles.roles}>
      <summary>
        {session.account.name} is {rights.role}
        {own.length > 0 && `, with a role in ${own.length}${rights.isCut ? ' or more' : ''} projects`}
      </summary>
      <table>
        <tbody>
          {own.map(({ id, key, name, viewerRole }) => (
            <tr key={id}>
              <th scope="row">{key}</th>
              <td>{viewerRole}</td>
              <td>{name}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
