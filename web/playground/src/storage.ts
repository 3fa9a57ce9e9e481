// Storage for GraphiQL's tabs, history and settings, without tokens and passwords.
import { redactJson } from './redact.js';

/** Version of the entries' format. Entries of earlier versions are removed. */
const VERSION = 1;
const KEY_PREFIX = 'tidings playground';
const PREFIX = `${KEY_PREFIX} ${VERSION} `;

const TABS = `${PREFIX}graphiql:tabState`;
/** GraphiQL stores these of the open tab twice. Storing one copy keeps variables with their document, which redaction needs. */
const OF_OPEN_TAB = /^graphiql:(query|variables|headers)$/;

const keys = (): string[] => Object.keys(localStorage).filter((key) => key.startsWith(KEY_PREFIX));

function ofOpenTab(name: string): string | null {
  try {
    const { tabs, activeTabIndex } = JSON.parse(localStorage.getItem(TABS) ?? '');
    return tabs[activeTabIndex][name] ?? null;
  } catch {
    return null;
  }
}

/** Storage of a page to which the browser denies storage, such as in a frame. Stores nothing. */
const NONE = { getItem: () => null, setItem: () => {}, removeItem: () => {}, clear: () => {}, length: 0 };

/** The storage, with the interface that GraphiQL requires. */
export function playgroundStorage() {
  try {
    for (const key of keys()) if (!key.startsWith(PREFIX)) localStorage.removeItem(key);
  } catch {
    return NONE;
  }
  return {
    getItem: (key: string) => {
      const [, name] = OF_OPEN_TAB.exec(key) ?? [];
      return name ? ofOpenTab(name) : localStorage.getItem(PREFIX + key);
    },
    setItem: (key: string, value: string) => {
      if (!OF_OPEN_TAB.test(key)) localStorage.setItem(PREFIX + key, redactJson(value));
    },
    removeItem: (key: string) => localStorage.removeItem(PREFIX + key),
    clear: () => keys().forEach((key) => localStorage.removeItem(key)),
    get length() {
      return keys().length;
    },
  };
}
