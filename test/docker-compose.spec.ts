// docker-compose.yml, checked without Docker: valid YAML, services that refer to each other correctly, and proxy
// settings that suit the connections of the service and its clients.
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';

interface Compose {
  readonly services: Readonly<Record<string, { readonly depends_on?: object; readonly networks?: unknown }>>;
  readonly configs: { readonly caddyfile: { readonly content: string } };
}

const { services, configs } = parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as Compose;
const proxy = configs.caddyfile.content;
const seconds = (name: string) => Number(new RegExp(`^ +${name} (\\d+)s$`, 'm').exec(proxy)?.[1]);
const constant = (file: string, name: string) =>
  Number(new RegExp(`const ${name} = ([\\d_]+)`).exec(readFileSync(file, 'utf8'))?.[1]?.replaceAll('_', '')) / 1_000;

describe('docker-compose.yml', () => {
  it('refers to defined services', () => {
    for (const { depends_on = {} } of Object.values(services)) {
      expect(Object.keys(services)).toEqual(expect.arrayContaining(Object.keys(depends_on)));
    }
    const upstreams = /reverse_proxy (.*) \{/.exec(proxy)![1]!.split(' ');
    expect(upstreams.map((upstream) => upstream.split(':')[0])).toEqual(['tidings-a', 'tidings-b']);
  });

  it('has a Caddyfile with matching braces', () => {
    const depths = proxy
      .replaceAll(/\$\{[^}]*\}/g, '')
      .split('')
      .reduce<number[]>((all, one) => [...all, (all.at(-1) ?? 0) + Number(one === '{') - Number(one === '}')], []);
    expect(Math.min(...depths)).toBe(0);
    expect(depths.at(-1)).toBe(0);
  });

  it('has a shorter idle time-out in the proxy than in the service, and none for WebSockets', () => {
    expect(seconds('keepalive')).toBeLessThan(constant('src/engine/graphql/http/http-entry.ts', 'IDLE_MS'));
    // Caddy passes upgrades on by itself, and ends a stream only where it is told to.
    for (const limit of ['stream_timeout', 'read_timeout', 'write_timeout', 'stream_close_delay']) {
      expect(proxy).not.toContain(limit);
    }
  });

  it('removes a failed instance sooner than clients give up', () => {
    expect(seconds('health_interval') + seconds('health_timeout')).toBeLessThan(8);
    expect(seconds('lb_try_duration')).toBeGreaterThan(seconds('dial_timeout'));
  });
});
