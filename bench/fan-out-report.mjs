// Formats the results of fan-out.mjs for docs/benchmarks.md.
import { cpus } from 'node:os';
import { BURST } from './fan-out-rounds.mjs';
import { MISSED } from './fan-out-scenarios.mjs';

const share = ({ ratio, low, high }) => `${ratio.toFixed(2)} (${low.toFixed(2)}–${high.toFixed(2)})`;

const line = ({ name, single, burst }) =>
  `| ${name} | ${single.us.toFixed(1)} | ${share(single)} | ${burst.us.toFixed(1)} | ${share(burst)} |`;

/** A table row per server. */
export function costTable(rows) {
  return `| | one by one, µs | of raw \`ws\` | bursts of ${BURST}, µs | of raw \`ws\` |
|---|---|---|---|---|
${rows.map(line).join('\n')}

${comparisons(rows)}`;
}

function comparisons(rows) {
  return rows
    .filter(({ other }) => other)
    .map(
      ({ name, compared, other }) =>
        `- *${name}*, of *${compared}*: ${share(other.single)} one by one, ${share(other.burst)} in bursts.`,
    )
    .join('\n');
}

const times = ({ p50, p99, most }) => `p50 ${p50} ms, p99 ${p99} ms, at most ${most} ms`;

export function benchmarks(subscribers, rows, { sockets, alone, storm, calm, delays }) {
  return `# Benchmarks

Written by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.version}.
Everything ran on one machine, peers and subscribers included: compare the ratios, not the figures.

## What an event costs

µs of CPU of the server process per event and subscriber, with ${subscribers} subscribers of one project, measured by the operating system. All servers run at
once and are measured in short rounds, in a new order each time. Figures are medians of rounds; ratios are medians, and quartiles, of ratios to raw \`ws\` in the same
round. Tidings is an instance that delivers what another instance committed to PostgreSQL, to signed-in accounts with access to the project; it reads each update
from the database. The peers publish objects from memory.

${costTable(rows)}

A burst is ${BURST} updates posted at once by as many writers; peers publish theirs in one turn of the event loop. A document of this schema has two permission classes: four are
two documents of two classes each, compared with one document and one class, whose frames are the smallest.

## Coming back

- ${MISSED} missed events, one subscriber: ${alone.warm.toFixed(0)} ms from connecting to the last of them; ${alone.fresh.toFixed(0)} ms
  as the first request after a start.
- ${MISSED} missed events, ${subscribers * 2} subscribers that connect at once: all had them after ${(storm.ms / 1_000).toFixed(1)} s, ${storm.us.toFixed(1)} µs of CPU for each event.
- Meanwhile 10 updates/s to 100 subscribers of another project on the same instance, commit to delivery: ${times(calm[1])}.
  Without it: ${times(calm[0])}.

## Delivery

- Commit to delivery at 50 updates/s to ${subscribers} subscribers, ${delays[0].count} deliveries: ${times(delays[0])}. Times are rounded to ms.

## Sockets

- ${sockets.count} sockets, each signed in as a different account and subscribed: ${(sockets.bytes / 1024).toFixed(1)} KB of memory each.
- ${sockets.perSecond.toFixed(0)} of them connected, signed in and subscribed per second of CPU.
`;
}
