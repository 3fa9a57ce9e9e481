import { useEffect, useRef } from 'react';
import type { Card } from './wall-data.js';

/** Calls `tell` with the name of each project that is removed from `projects`. */
export function useRemovedProjects(projects: readonly Card[] | undefined, tell: (name: string) => void): void {
  const known = useRef(new Map<string, string>());
  useEffect(() => {
    if (!projects) return;
    const now = new Map(projects.map(({ id, name }) => [id, name]));
    for (const [id, name] of known.current) if (!now.has(id)) tell(name);
    known.current = now;
    // Depends on the projects alone.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [projects]);
}
