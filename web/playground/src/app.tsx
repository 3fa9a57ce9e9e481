// The page: a top bar with the account, and GraphiQL below it.
import { GraphiQL } from 'graphiql';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { type ReactNode, useEffect, useState } from 'react';
import { useGraphiQL } from '@graphiql/react';
import { TidingsProvider } from '@tidings/client/react';
import { Badge } from '../../shared/badge.js';
import { controls } from '../../shared/controls.js';
import { useFreshness } from '../../shared/freshness.js';
import styles from './app.module.css';
import { EXAMPLES } from './examples/index.js';
import { useFilledExamples, useRestoreExamples } from './examples/use-examples.js';
import { fetcher, tidings } from './service.js';
import { AccountMenu } from './session/account-menu.js';
import { SignInCard } from './session/sign-in-card.js';
import { useSessionState } from './session/use-session.js';
import { playgroundStorage } from './storage.js';
import { EDITOR_THEME, useOneTheme } from './theme.js';
import { WIRE } from './wire/wire.js';

const STORAGE = playgroundStorage();
const TABS = EXAMPLES.map((example) => ({ ...example }));
const PLUGINS = [HISTORY_PLUGIN, WIRE];
/** JSON types of the custom scalars, for the variables editor. */
const SCALARS = { DateTime: { type: 'string' as const, format: 'date-time' }, JSON: {} };

export function App(): ReactNode {
  return (
    <div className={styles.page}>
      <Bar />
      <main className={styles.main}>
        <GraphiQL
          fetcher={fetcher}
          storage={STORAGE}
          defaultTabs={TABS}
          plugins={PLUGINS}
          editorTheme={EDITOR_THEME}
          customScalarSchemas={SCALARS}
          defaultEditorToolsVisibility="variables"
          shouldPersistHeaders={false}
          inputValueDeprecation
          schemaDescription
        >
          <GraphiQL.Logo>
            <RestoreExamples />
          </GraphiQL.Logo>
          <Inside />
        </GraphiQL>
      </main>
    </div>
  );
}

function Bar(): ReactNode {
  const session = useSessionState();
  // The session state for which the user closed the sign-in card.
  const [closed, setClosed] = useState<unknown>();
  const [isSwitching, setSwitching] = useState<unknown>();
  const isSignedIn = session.status === 'signed-in';
  const isCardOpen = isSignedIn ? isSwitching === session : session.status === 'signed-out' && closed !== session;
  return (
    <header className={styles.bar}>
      <h1 className={styles.title}>
        <a href="/">Tidings</a> <span>Playground</span>
      </h1>
      <div className={styles.right}>
        {isSignedIn && (
          <>
            <TidingsProvider tidings={tidings}>
              <ConnectionBadge />
            </TidingsProvider>
            <AccountMenu account={session.account} onSwitch={() => setSwitching(session)} />
          </>
        )}
        {session.status === 'signed-out' && (
          <button
            type="button"
            className={controls.primary}
            aria-expanded={isCardOpen}
            onClick={() => setClosed(isCardOpen ? session : undefined)}
          >
            Sign in
          </button>
        )}
      </div>
      {isCardOpen && (
        <SignInCard
          reason={session.status === 'signed-out' ? session.reason : undefined}
          onClose={() => {
            setClosed(session);
            setSwitching(undefined);
          }}
        />
      )}
    </header>
  );
}

const ConnectionBadge = (): ReactNode => <Badge freshness={useFreshness()} />;

function RestoreExamples(): ReactNode {
  const restore = useRestoreExamples();
  return (
    <button type="button" className={styles.restore} onClick={restore}>
      Restore examples
    </button>
  );
}

/** Runs the hooks that need GraphiQL's context. Renders nothing. */
function Inside(): ReactNode {
  useOneTheme();
  useFilledExamples();
  useEditorOptions();
  return null;
}

function useEditorOptions(): void {
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const headerEditor = useGraphiQL((state) => state.headerEditor);
  const responseEditor = useGraphiQL((state) => state.responseEditor);
  useEffect(() => {
    const fontFamily = getComputedStyle(document.documentElement).getPropertyValue('--mono');
    const editors = {
      Operation: queryEditor,
      Variables: variableEditor,
      Headers: headerEditor,
      Response: responseEditor,
    };
    for (const [ariaLabel, editor] of Object.entries(editors))
      editor?.updateOptions({ fontFamily, fontSize: 13, lineHeight: 20, ariaLabel, wordWrap: 'on' });
  }, [queryEditor, variableEditor, headerEditor, responseEditor]);
}
