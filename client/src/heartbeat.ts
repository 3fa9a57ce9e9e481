// Detects a dead connection: a ping every 5 s, and a timeout of 5 s for any message.

const PING_INTERVAL = 5_000;
const PONG_TIMEOUT = 5_000;
/** Timeout in ms after sleep. The socket is usually dead then, and reconnecting costs less than waiting. */
const WAKE_TIMEOUT = 1_000;
/** ms. A timer that fires this late was suspended with the page, so its timeout does not count. */
const SUSPENDED_AFTER = 2_000;

type Timer = ReturnType<typeof setTimeout> | undefined;

/** Calls `then` after `ms`. `late`: the timer fired more than `SUSPENDED_AFTER` ms late. */
function after(ms: number, then: (late: boolean) => void): Timer {
  const due = Date.now() + ms;
  return setTimeout(() => then(Date.now() > due + SUSPENDED_AFTER), ms);
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
      if (late) probe(WAKE_TIMEOUT);
      else dead();
    });
    ping();
  };
  const next = (): void => {
    beat = after(PING_INTERVAL, (late) => {
      next();
      if (late || !death) probe(late ? WAKE_TIMEOUT : PONG_TIMEOUT);
    });
  };
  return {
    heard,
    start(): void {
      probe(PONG_TIMEOUT);
      next();
    },
    stop(): void {
      clearTimeout(beat);
      heard();
    },
    /** The machine or the page has slept. */
    wake: () => probe(WAKE_TIMEOUT),
  };
}
