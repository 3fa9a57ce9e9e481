// One theme for the page and its editors, stored under the same key as the dashboard's.
import { useGraphiQL, useGraphiQLActions } from '@graphiql/react';
import { useEffect } from 'react';
import { keepTheme, readTheme } from '../../shared/theme.js';

/** Names of the editor's themes. */
export const EDITOR_THEME = { light: 'tidings-light', dark: 'tidings-dark' } as const;

interface Palette {
  readonly base: 'vs' | 'vs-dark';
  readonly surface: string;
  readonly sunken: string;
  readonly line: string;
  readonly ink: string;
  readonly muted: string;
  readonly accent: string;
  readonly field: string;
  readonly argument: string;
  readonly text: string;
  readonly number: string;
}

// The editor does not support CSS variables. These colours match shared/tokens.css.
const LIGHT: Palette = {
  base: 'vs',
  surface: '#ffffff',
  sunken: '#efede8',
  line: '#dcd9d2',
  ink: '#1b1a18',
  muted: '#4f4b46',
  accent: '#2443b0',
  field: '#1b1a18',
  argument: '#6b4100',
  text: '#14563a',
  number: '#93180f',
};
const DARK: Palette = {
  base: 'vs-dark',
  surface: '#181a1f',
  sunken: '#0b0c0e',
  line: '#2c2f37',
  ink: '#f1f0ed',
  muted: '#acafb8',
  accent: '#a9bcff',
  field: '#f1f0ed',
  argument: '#f2b84b',
  text: '#63d29a',
  number: '#ff9a91',
};

const themeOf = ({ base, surface, sunken, line, ink, muted, accent, field, argument, text, number }: Palette) => ({
  base,
  inherit: true,
  colors: {
    'editor.background': '#00000000',
    'editor.foreground': ink,
    'editorLineNumber.foreground': muted,
    'editorLineNumber.activeForeground': ink,
    'editorIndentGuide.background1': line,
    ...Object.fromEntries([1, 2, 3, 4, 5, 6].map((depth) => [`editorBracketHighlight.foreground${depth}`, muted])),
    'editorCursor.foreground': ink,
    'editorWidget.background': surface,
    'editorWidget.border': line,
    'editorHoverWidget.background': surface,
    'editorHoverWidget.border': line,
    'editorSuggestWidget.background': surface,
    'editorSuggestWidget.border': line,
    'editorSuggestWidget.selectedBackground': sunken,
    'editorSuggestWidget.selectedForeground': ink,
    'list.hoverBackground': sunken,
    'menu.background': surface,
    'input.background': sunken,
    'scrollbar.shadow': '#00000000',
    'textLink.foreground': accent,
    'editorLink.activeForeground': accent,
    focusBorder: accent,
  },
  rules: [
    { token: 'comment', foreground: muted },
    { token: 'comment.gql', foreground: muted },
    { token: 'keyword', foreground: accent },
    { token: 'keyword.gql', foreground: accent },
    { token: 'key.identifier.gql', foreground: field },
    { token: 'argument.identifier.gql', foreground: argument },
    { token: 'type.identifier.gql', foreground: accent },
    { token: 'annotation.gql', foreground: muted },
    { token: 'string', foreground: text },
    { token: 'string.gql', foreground: text },
    { token: 'string.key.json', foreground: field },
    { token: 'string.value.json', foreground: text },
    { token: 'number', foreground: number },
    { token: 'keyword.json', foreground: accent },
  ],
});

async function defineEditorThemes(): Promise<void> {
  const monaco = await import('monaco-graphql/esm/monaco-editor.js');
  for (const [name, palette] of [
    [EDITOR_THEME.light, LIGHT],
    [EDITOR_THEME.dark, DARK],
  ] as const)
    monaco.editor.defineTheme(name, themeOf(palette));
}

/** Synchronizes GraphiQL's theme with the page, and its editors with the system setting. Requires GraphiQL's context. */
export function useOneTheme(): void {
  const theme = useGraphiQL((state) => state.theme);
  const { setTheme } = useGraphiQLActions();
  useEffect(() => {
    const kept = readTheme();
    // Set again when the editor has loaded the theme: until then it uses its default.
    void defineEditorThemes().then(() => setTheme(kept === 'system' ? null : kept));
  }, [setTheme]);
  useEffect(() => keepTheme(theme ?? 'system'), [theme]);
  useEffect(() => {
    const system = matchMedia('(prefers-color-scheme: dark)');
    const follow = (): void => {
      // GraphiQL reads the system setting only when a theme is set.
      if (theme === null) setTheme(null);
    };
    system.addEventListener('change', follow);
    return () => system.removeEventListener('change', follow);
  }, [theme, setTheme]);
}
