// Changes of the account's roles and memberships while it is connected.

import { eventOf } from './event.js';
import type { Feeds } from './feeds.js';
import type { AccessChange } from './live.js';
import { store } from './store.js';

const query = 'subscription ($after: String) { accessChanged(after: $after) { projectId role cursor } }';

/** Returns a subscribe function. All listeners share one subscription. */
export function accessChanges(feeds: Feeds): (listener: (change: AccessChange) => void) => () => void {
  const changes = store<AccessChange | undefined>(undefined);
  let listeners = 0;
  let stop: (() => void) | undefined;
  const end = (): void => void (stop = undefined);
  return (listener) => {
    listeners += 1;
    const forget = changes.subscribe((change) => listener(change!));
    // An older service has no `accessChanged`. The next listener tries again.
    stop ??= feeds.subscribe(
      { query },
      { next: ({ data }) => eventOf(data) && changes.set(eventOf(data)), error: end, complete: end },
    );
    return () => {
      forget();
      listeners -= 1;
      if (listeners > 0) return;
      stop?.();
      stop = undefined;
    };
  };
}
