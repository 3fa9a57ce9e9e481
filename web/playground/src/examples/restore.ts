// Computes the tabs after the examples are restored. Knows GraphiQL's format of tabs.
import type { TabsState } from '@graphiql/react';
import { EXAMPLES, PROJECT } from './index.js';

/** A tab of GraphiQL. */
export type TabState = TabsState['tabs'][number];

const nameOf = (query: string): string => /^(?:query|mutation|subscription) (\w+)/m.exec(query)?.[1] ?? '';

const isExample = ({ query }: TabState): boolean => EXAMPLES.some((example) => example.query === query?.trimEnd());

/** The original examples, followed by the user's tabs, which include changed examples. */
export function restored(tabs: readonly TabState[], projectId: string | undefined): readonly TabState[] {
  const examples = EXAMPLES.map(({ query, variables }) => {
    const own = withProject(variables, projectId);
    const name = nameOf(query);
    const id = crypto.getRandomValues(new Uint32Array(4)).join('-');
    return {
      id,
      hash: [query, own, ''].join('|'),
      title: name,
      query,
      variables: own,
      headers: null,
      operationName: name,
      response: null,
    };
  });
  const own = tabs.filter((tab) => tab.query?.trim() && !isExample(tab));
  return [...examples, ...own];
}

/** Replaces the placeholder in variables by a project id. */
export const withProject = (variables: string, projectId: string | undefined): string =>
  projectId === undefined ? variables : variables.replaceAll(PROJECT, JSON.stringify(projectId));
