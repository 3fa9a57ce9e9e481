import type { ReactNode } from 'react';
import { exactText, useAge } from './clock.js';

/** Relative time; shows the exact time on hover. */
export function Age({ at }: { readonly at: string }): ReactNode {
  return (
    <time dateTime={at} title={exactText(at)}>
      {useAge(at)}
    </time>
  );
}
