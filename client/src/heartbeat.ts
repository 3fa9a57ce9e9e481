// Whether the other end is still there: a ping every 5 s, and 5 s for any answer.

const BEAT = 5_000;
const PATIENCE = 5_000;
/** After sleep the socket has usually gone: to connect anew costs less than to wait. */
const WAKE_PATIENCE = 1_000;
/** A timer that fires so late has slept, and says nothing of the other end. */
const LATE = 2_000;

type Timer = ReturnType<typeof setTimeout> | undefined;

/** `then` is called after `ms`, and told whether that is late. */
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
