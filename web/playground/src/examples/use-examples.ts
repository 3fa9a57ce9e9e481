// Examples in GraphiQL's tabs: project ids are filled in when known; the user can restore the examples.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect } from 'react';
import { useRights } from '../session/use-session.js';
import { PROJECT } from './index.js';
import { restored, type TabState, withProject } from './restore.js';

/** Project for the examples: the demo project, or else the first one. */
function useProject(): string | undefined {
  const projects = useRights()?.projects ?? [];
  return (projects.find(({ key }) => key === 'RIDER') ?? projects[0])?.id;
}

/** Fills the project id into the variables of the examples. Requires GraphiQL's context. */
export function useFilledExamples(): void {
  const projectId = useProject();
  const tabs = useGraphiQL((state) => state.tabs);
  const activeTabIndex = useGraphiQL((state) => state.activeTabIndex);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const actions = useGraphiQLActions();
  const first = tabs[activeTabIndex]?.variables;
  useEffect(() => {
    // At the first visit GraphiQL opens the first tab without its variables.
    if (first && variableEditor?.getValue() === '') variableEditor.setValue(first);
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- once, when the editor exists
  }, [variableEditor]);
  useEffect(() => {
    if (projectId === undefined) return;
    const active = tabs[activeTabIndex];
    const isOpen = ({ variables }: TabState) => variables?.includes(PROJECT);
    // GraphiQL identifies the active tab by object identity, so its text is changed in the editor.
    if (tabs.some((tab) => tab !== active && isOpen(tab)))
      actions.moveTab(
        tabs.map((tab) =>
          tab !== active && isOpen(tab) ? { ...tab, variables: withProject(tab.variables!, projectId) } : tab,
        ),
      );
    const shown = variableEditor?.getValue();
    if (shown?.includes(PROJECT)) variableEditor!.setValue(withProject(shown, projectId));
  }, [projectId, tabs, activeTabIndex, variableEditor, actions]);
}

/** Returns the function to restore the examples. The user's tabs stay, after them. Requires GraphiQL's context. */
export function useRestoreExamples(): () => void {
  const projectId = useProject();
  const tabs = useGraphiQL((state) => state.tabs);
  const activeTabIndex = useGraphiQL((state) => state.activeTabIndex);
  const actions = useGraphiQLActions();
  return () => {
    actions.stop();
    const next = restored(tabs, projectId);
    const active = tabs[activeTabIndex]!;
    const isKept = next.includes(active);
    // The active tab must be among the tabs until another one is active.
    actions.moveTab(isKept ? [...next] : [...next, active]);
    actions.changeTab(0);
    if (!isKept) actions.closeTab(next.length);
  };
}
