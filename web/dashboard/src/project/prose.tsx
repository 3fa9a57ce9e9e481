import { lazy, memo, type ReactNode, Suspense, useState } from 'react';
import { controls } from '../../../shared/controls.js';
import styles from './prose.module.css';

const MarkdownText = lazy(() => import('./markdown.js'));

/** Characters, and lines, above which a text is collapsed. */
const MAX_CHARACTERS = 1_500;
const MAX_LINES = 25;

/** A text in Markdown. Long texts are collapsed. */
export const Prose = memo(function Prose({ text }: { readonly text: string }): ReactNode {
  const isLong = text.length > MAX_CHARACTERS || text.split('\n').length > MAX_LINES;
  const [isOpen, setOpen] = useState(false);
  if (!text) return null;
  return (
    <>
      <div className={styles.prose} data-folded={isLong && !isOpen} dir="auto">
        <Suspense fallback={<p className={styles.plain}>{text}</p>}>
          <MarkdownText text={text} />
        </Suspense>
      </div>
      {isLong && (
        <button className={`${controls.link} ${styles.fold}`} aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'Show less' : 'Show all of it'}
        </button>
      )}
    </>
  );
});
