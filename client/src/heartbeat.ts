// Detects a dead connection: a ping every 5 s, and a timeout of 5 s for any message.

const BEAT = 5_000;
const PATIENCE = 5_000;
/** Timeout in ms after sleep. The socket is usually dead then, and reconnecting costs less than waiting. */
const WAKE_PATIENCE = 1_000;
/** ms. A timer that fires this late was suspended with the page, so its timeout does not count. */
const LATE = 2_000;

type Timer = ReturnType<typeof setTimeout> | undefined;

/** Calls `then` after `ms`. `late`: the timer fired more than `LATE` ms late. */
function after(ms: number, then: (late: boolean) => void): Timer {
  const due = Date.now() + ms;
  return setTimeout(() => then(Date.now() > due + LATE), ms);
}

export function heartbeat(ping: () => void, dead: () => void) {
  let beat: Timer;
  let death: Timer;

  const heard = (): void => {
    clearTimeout(death);
    death = undefined;
  };
  const probe = (patience: number): void => {
    heard();
    death = after(patience, (late) => {
      death = undefined;
      if (late) probe(WAKE_PATIENCE);
      else dead();
    });
    ping();
  };
  const next = (): void => {
    beat = after(BEAT, (late) => {
      next();
      if (late || !death) probe(late ? WAKE_PATIENCE : PATIENCE);
    });
  };
  return {
    heard,
    start(): void {
      probe(PATIENCE);
      next();
    },
    stop(): void {
      clearTimeout(beat);
      heard();
    },
    /** The machine or the page has slept. */
    wake: () => probe(WAKE_PATIENCE),
  };
}
