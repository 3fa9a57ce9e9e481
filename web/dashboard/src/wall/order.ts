// Order of projects: those that need attention first. Cards do not move while the user is about to click one.
import { useEffect, useReducer, useRef } from 'react';
import type { Card } from './wall-data.js';

const RANKS = { OFF_TRACK: 0, AT_RISK: 1, ON_TRACK: 2 } as const;
const rankOf = ({ health }: Pick<Card, 'health'>): number => (health ? RANKS[health] : 3);

/** Same order as `projects(orderBy: HEALTH)`: worst health first, then latest update first. */
export function byHealth(one: Card, other: Card): number {
  const ranks = rankOf(one) - rankOf(other);
  if (ranks !== 0) return ranks;
  const [at, otherAt] = [one.latestUpdate?.createdAt ?? '', other.latestUpdate?.createdAt ?? ''];
  if (at !== otherAt) return at < otherAt ? 1 : -1;
  return one.id < other.id ? 1 : -1;
}

/** Minimum ms between reorders that no change of health caused. */
const REORDER_MS = 10_000;

interface Shown {
  readonly ids: readonly string[];
  readonly ranks: string;
  readonly at: number;
}

/**
 * `projects` in display order. Updated at once when a project is added, removed or changes its health, otherwise every 10 s. While
 * `isHeld`, only added and removed projects change it.
 */
export function useStableOrder(projects: readonly Card[], isHeld: boolean): readonly Card[] {
  const shown = useRef<Shown>({ ids: [], ranks: '', at: -REORDER_MS });
  const [, look] = useReducer((count: number) => count + 1, 0);
  const sorted = [...projects].sort(byHealth);
  const byId = new Map(projects.map((project) => [project.id, project]));
  const now = performance.now();
  const ranks = sorted.map((project) => `${project.id}${rankOf(project)}`).join();
  const isSameSet = shown.current.ids.length === projects.length && shown.current.ids.every((id) => byId.has(id));
  const isDue = !isHeld && (ranks !== shown.current.ranks || now - shown.current.at >= REORDER_MS);
  if (!isSameSet || isDue) shown.current = { ids: sorted.map(({ id }) => id), ranks, at: now };
  const { ids } = shown.current;
  const isLate = ids.some((id, at) => sorted[at]!.id !== id);
  useEffect(() => {
    if (!isLate || isHeld) return undefined;
    const timer = setTimeout(look, REORDER_MS);
    return () => clearTimeout(timer);
  }, [isLate, isHeld]);
  return ids.map((id) => byId.get(id)!);
}
