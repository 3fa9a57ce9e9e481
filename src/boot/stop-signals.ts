// The signals that end a program of ours in order: from a service manager, the terminal, its closing, and Ctrl-\.
export const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const satisfies readonly NodeJS.Signals[];

/** Calls `listener` for each of them, every time. */
export function onStopSignal(listener: (signal: (typeof STOP_SIGNALS)[number]) => void): void {
  for (const signal of STOP_SIGNALS) process.on(signal, () => listener(signal));
}
