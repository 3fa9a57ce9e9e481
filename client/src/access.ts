// What the account gains and loses while it is connected.

import { eventOf } from './event.js';
import type { Feeds } from './feeds.js';
import type { AccessChange } from './live.js';
import type { Session } from './session.js';
import { listening } from './store.js';

const query = 'subscription ($after: String) { accessChanged(after: $after) { projectId role cursor } }';

/** How to listen: one subscription for all who do. */
export function accessChanges(
  feeds: Feeds,
  session: Session,
): (listener: (change: AccessChange) => void) => () => void {
  const listeners = listening<AccessChange>();
  let stop: (() => void) | undefined;
  /** An older service does not tell; it is asked again with the next session. */
  let deaf: AbortSignal | undefined;
  const end = (): void => {
    stop = undefined;
    deaf = session.life.signal;
  };
  return (listener) => {
    const forget = listeners.add(listener);
    if (deaf !== session.life.signal)
      stop ??= feeds.subscribe(
        { query },
        { next: ({ data }) => eventOf(data) && listeners.tell(eventOf(data)), error: end, complete: end },
      );
    return () => {
      forget();
      if (listeners.size > 0) return;
      stop?.();
      stop = undefined;
    };
  };
}
