// Gauges that are read when they are scraped.
import { Gauge, type Registry } from 'prom-client';

/** Registers a gauge without labels. */
export function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read());
      },
    }),
  );
}

/** Registers a gauge with one label, whose values and numbers `read` returns. */
export function gauges(
  registry: Registry,
  label: string,
  name: string,
  help: string,
  read: () => Iterable<readonly [string, number]>,
): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers: [],
      collect() {
        for (const [value, number] of read()) this.set({ [label]: value }, number);
      },
    }),
  );
}
