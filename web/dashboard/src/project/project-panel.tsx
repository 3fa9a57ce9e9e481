// A project in a panel beside the wall. Its key is in the address, so "back" closes the panel and the address can be shared.
import { OperationFailed } from '@tidings/client';
import { CatchBoundary, useLocation, useNavigate, useRouter } from '@tanstack/react-router';
import { type ReactNode, useCallback, useLayoutEffect, useRef, useSyncExternalStore } from 'react';
import { Badge } from '../../../shared/badge.js';
import { controls } from '../../../shared/controls.js';
import type { Freshness } from '../../../shared/freshness.js';
import { Messages } from '../frame/messages.js';
import { StaleBanner } from '../frame/stale-banner.js';
import type { WallSearch } from '../router.js';
import { About } from './about.js';
import { ChatFeed } from './chat-feed.js';
import { type FoundProject, useFound, useProject } from './project-data.js';
import styles from './project-panel.module.css';
import { Tabs } from './tabs.js';
import { UpdatesFeed } from './updates-feed.js';

const NARROW_SCREEN = matchMedia('(max-width: 900px)');

function useIsNarrow(): boolean {
  return useSyncExternalStore(
    (listener) => {
      NARROW_SCREEN.addEventListener('change', listener);
      return () => NARROW_SCREEN.removeEventListener('change', listener);
    },
    () => NARROW_SCREEN.matches,
  );
}

/** Closes the panel. Goes back if it was opened from the wall, so that the history does not grow. */
function useClose(): () => void {
  const { history } = useRouter();
  const navigate = useNavigate({ from: '/' });
  const { state } = useLocation();
  const wasOpened = (state as { readonly opened?: boolean }).opened ?? false;
  const isClosing = useRef(false);
  return useCallback(() => {
    // Going back is asynchronous: a second Escape meanwhile would leave the page.
    if (isClosing.current) return;
    isClosing.current = true;
    if (wasOpened) history.back();
    else
      void navigate({
        search: (search: WallSearch) => ({ ...search, project: undefined }),
        replace: true,
        resetScroll: false,
      });
  }, [wasOpened, history, navigate]);
}

function Said({ title, text }: { readonly title: string; readonly text?: string | undefined }): ReactNode {
  return (
    <div className={styles.said} role="alert">
      <p className={styles.saidTitle}>{title}</p>
      {text && <p>{text}</p>}
    </div>
  );
}

function Project({ found }: { readonly found: FoundProject }): ReactNode {
  const isNarrow = useIsNarrow();
  const { project, asEditor, end, error } = useProject(found);
  if (end === 'lost') return <Said title={`You no longer have access to ${found.name}.`} />;
  if (!project)
    return end ? (
      <Said title="The project could not be read" text={error?.message} />
    ) : (
      <p className={styles.wait} role="status">
        Loading
      </p>
    );
  const about = <About project={project} asEditor={asEditor} />;
  const tabs = [
    { name: 'Updates', content: <UpdatesFeed project={project} asEditor={asEditor} /> },
    { name: 'Chat', content: <ChatFeed project={project} /> },
    ...(isNarrow ? [{ name: 'About', content: about }] : []),
  ];
  return (
    <div className={styles.columns}>
      <Tabs tabs={tabs} label="What is shown of the project" />
      {!isNarrow && <aside className={styles.aside}>{about}</aside>}
    </div>
  );
}

function Missing({ error }: { readonly error: Error }): ReactNode {
  if (error instanceof OperationFailed && error.code === 'NOT_FOUND')
    return (
      <Said
        title="There is no such project"
        text="It may have been deleted, or you have no access to it. Ask its owner to invite you."
      />
    );
  return (
    <>
      <Said title="The project could not be read" text="Tidings cannot be reached, or is too busy." />
      <LoadAgain />
    </>
  );
}

const LoadAgain = (): ReactNode => (
  <p className={styles.again}>
    <button className={controls.button} onClick={() => location.reload()}>
      Load the page again
    </button>
  </p>
);

/** Error boundary of the panel: the wall is not affected. */
const Broken = (): ReactNode => (
  <>
    <Said title="The project cannot be shown" text="The page met an error. What you have typed is saved." />
    <LoadAgain />
  </>
);

export default function ProjectPanel({
  projectKey,
  known,
  freshness,
}: {
  readonly projectKey: string;
  readonly known: FoundProject | undefined;
  readonly freshness: Freshness;
}): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = useClose();
  const { found, error } = useFound(projectKey, known);
  useLayoutEffect(() => {
    const shown = dialog.current!;
    shown.showModal();
    return () => {
      // Returns the focus to the element that had it.
      shown.close();
      // A panel opened by a link has no element to return to: the focus stays in the panel or moves to the body.
      if (document.activeElement === document.body || shown.contains(document.activeElement))
        document
          .querySelector<HTMLElement>(`[data-project=${CSS.escape(projectKey)}] a`)
          ?.focus({ preventScroll: true });
    };
  }, [projectKey]);
  return (
    // A click beside the panel closes it. Keyboard users have Escape.
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
    <dialog
      ref={dialog}
      className={styles.panel}
      aria-labelledby="project-name"
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={({ target }) => target === dialog.current && close()}
    >
      <div className={styles.page}>
        <header className={styles.head}>
          <div className={styles.names}>
            {/* oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- where reading begins */}
            <h2 className={styles.name} id="project-name" dir="auto" tabIndex={-1} autoFocus>
              {known?.name ?? found?.name ?? projectKey}
            </h2>
            <span className={styles.key}>{projectKey}</span>
          </div>
          <Badge freshness={freshness} />
          <button className={controls.button} onClick={close}>
            Close
          </button>
        </header>
        <StaleBanner freshness={freshness} />
        {found ? (
          <CatchBoundary getResetKey={() => found.id} errorComponent={Broken}>
            <Project key={found.id} found={found} />
          </CatchBoundary>
        ) : error ? (
          <Missing error={error} />
        ) : (
          <p className={styles.wait} role="status">
            Loading
          </p>
        )}
      </div>
      <Messages />
    </dialog>
  );
}
