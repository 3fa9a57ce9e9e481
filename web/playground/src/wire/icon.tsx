import type { ReactNode } from 'react';

/** Icon: two opposite arrows. */
export const WireIcon = (): ReactNode => (
  <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
    <path d="M2 7h15m-4-4 4 4-4 4M18 13H3m4-4-4 4 4 4" />
  </svg>
);
