// Everything that the domain stores because of events.
import type { EventConsequences, Following } from '../../engine/events/event-consequences.port.js';
import { notificationsOfEvents } from './notifications-of-events.js';
import { accessOfEvents } from '../projects/access-of-events.js';

/** `limited`: whether notifications are rate limited. */
export function consequencesOfEvents(limited: boolean): EventConsequences {
  const parts: readonly Following[] = [accessOfEvents, notificationsOfEvents(limited)];
  return {
    append: 'append_notifying_v1',
    follow: async (em, drafts) => {
      const following = [];
      for (const part of parts) following.push(...(await part(em, drafts)));
      return following;
    },
  };
}
