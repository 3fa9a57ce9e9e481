// Renders Markdown of updates as React elements. No HTML, and no external resources: images become links.
import MarkdownIt, { type Token } from 'markdown-it';
import { createElement, type ReactNode, useMemo } from 'react';
import styles from './prose.module.css';

/** Maximum nesting depth. A text with deeper nesting is shown as plain text. */
const MAX_DEPTH = 20;

// Parsing time is linear in the length of the text, for any text.
const markdown = new MarkdownIt('commonmark', { html: false, maxNesting: MAX_DEPTH + 1 });
markdown.validateLink = (url) => /^(?:https?|mailto):/i.test(url) || !/^[a-z][a-z\d+.-]*:/i.test(url);

/** Headings of a text rank below those of the page. */
const TAGS: Readonly<Record<string, string>> = { h1: 'h4', h2: 'h4', h3: 'h5', h4: 'h5', h5: 'h6' };

const link = (key: number, href: string | number | null, children: ReactNode): ReactNode => (
  <a key={key} href={String(href)} target="_blank" rel="noopener noreferrer nofollow">
    {children}
  </a>
);

/** An open element and its children so far. Its closing token creates the element. */
interface Open {
  readonly token: Token;
  readonly children: ReactNode[];
}

function elementOf({ token, children }: Open, key: number): ReactNode {
  if (token.tag === 'a') return link(key, token.attrGet('href'), children);
  const start = token.attrGet('start');
  return createElement(TAGS[token.tag] ?? token.tag, { key, ...(start && { start: Number(start) }) }, ...children);
}

/** The node of a token without children. */
function leafOf(token: Token, key: number): ReactNode {
  switch (token.type) {
    case 'code_inline':
      return <code key={key}>{token.content}</code>;
    case 'code_block':
    case 'fence':
      return (
        // Focusable, so that wide code can be scrolled with the keyboard.
        // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <pre key={key} tabIndex={0}>
          <code>{token.content}</code>
        </pre>
      );
    case 'image':
      return link(key, token.attrGet('src'), token.content || 'Image');
    case 'softbreak':
      return '\n';
    case 'hardbreak':
      return <br key={key} />;
    case 'hr':
      return <hr key={key} />;
    default:
      return token.content;
  }
}

/** Elements of a text; undefined if it is nested too deeply. */
function elementsOf(text: string): readonly ReactNode[] | undefined {
  const all: ReactNode[] = [];
  const open: Open[] = [];
  const add = (node: ReactNode): void => void (open.at(-1)?.children ?? all).push(node);
  const nextKey = (): number => (open.at(-1)?.children ?? all).length;
  const tokens = markdown.parse(text, {}).flatMap((token) => (token.type === 'inline' ? token.children! : [token]));
  for (const token of tokens) {
    // markdown-it hides the paragraphs of tight list items.
    if (token.hidden) continue;
    if (token.nesting === 1) {
      open.push({ token, children: [] });
      if (open.length >= MAX_DEPTH) return undefined;
    } else if (token.nesting === -1) {
      const closed = open.pop()!;
      add(elementOf(closed, nextKey()));
    } else add(leafOf(token, nextKey()));
  }
  return all;
}

export default function MarkdownText({ text }: { readonly text: string }): ReactNode {
  return useMemo(() => elementsOf(text) ?? <p className={styles.plain}>{text}</p>, [text]);
}
