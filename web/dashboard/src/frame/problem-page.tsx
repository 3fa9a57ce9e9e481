// Error page, shown instead of a page that failed.
import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import { type ReactNode, useEffect } from 'react';
import { controls } from '../../../shared/controls.js';
import { reloadLater } from '../new-build.js';
import { useTitle } from '../title.js';
import { Notice } from './notice.js';

/** Whether the error is a failed load of a script or style. Browsers differ in the message. */
const isMissingFile = (error: unknown): boolean =>
  /dynamically imported|importing a module|preload/i.test(error instanceof Error ? error.message : '');

/** ms after which an unattended wall screen reloads. */
const UNATTENDED = 60_000;

export function ProblemPage({ error }: Pick<ErrorComponentProps, 'error'>): ReactNode {
  useTitle('Something went wrong');
  useEffect(() => (new URLSearchParams(location.search).has('kiosk') ? reloadLater(UNATTENDED) : undefined), []);
  return (
    <Notice
      title="Something went wrong"
      text={
        isMissingFile(error)
          ? 'A part of this page could not be loaded. Check your connection, then load it again.'
          : 'An unexpected error occurred. Your drafts are saved.'
      }
    >
      {!isMissingFile(error) && <pre className={controls.hint}>{error instanceof Error ? error.message : ''}</pre>}
      <button className={controls.primary} onClick={() => location.reload()}>
        Load this page again
      </button>
    </Notice>
  );
}

export function NotFoundPage(): ReactNode {
  useTitle('Not found');
  return (
    <Notice title="There is no such page" text="The address may be mistyped, or from another version of Tidings.">
      <Link className={controls.button} to="/">
        Go to the projects
      </Link>
    </Notice>
  );
}
