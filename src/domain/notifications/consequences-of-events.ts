// Everything that the domain stores because of events, in this order: the part that locks the head of the log comes last.
import type { EventConsequences } from '../../engine/events/event-consequences.port.js';
import { notificationsOfEvents } from './notifications-of-events.js';
import { accessOfEvents } from '../projects/access-of-events.js';

/** `limited`: whether notifications are rate limited. */
export function consequencesOfEvents(limited: boolean): EventConsequences {
  const parts = [accessOfEvents, notificationsOfEvents(limited)];
  return {
    follow: async (em, drafts, nextPlace) => {
      const following = [];
      for (const part of parts) following.push(...(await part.follow(em, drafts, nextPlace)));
      return following;
    },
  };
}
