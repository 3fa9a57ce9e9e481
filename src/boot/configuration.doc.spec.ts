// docs/configuration.md is what operators have: it must know every variable, and no other, with the default that is true.
import { readFileSync } from 'node:fs';
import { loadConfig } from '../engine/config/config.js';
import { VARIABLES } from '../engine/config/config.schema.js';
import { service } from './service.js';
import { type AppConfig, settings } from './settings.js';

const page = readFileSync('docs/configuration.md', 'utf8');
/** The variable and its default, of rows as in: | `PORT` | `4000` | … */
const rows = [...page.matchAll(/^\| `([A-Z_]+)` +\| (?:`([^`|]+)`|[^|]*?) *\|/gm)];

describe('docs/configuration.md', () => {
  it('has a row for every variable, in their order, and for nothing else', () => {
    expect(rows.map(([, name]) => name)).toEqual([...VARIABLES, ...Object.keys(settings.variables)]);
  });

  it.each(rows.filter(([, , value]) => value).map(([, name = '', value]) => [name, value]))(
    'documents the default of %s: %s',
    (name, value) => {
      const { warnings: _, ...config }: AppConfig = loadConfig({ [name]: value }, service);
      expect({ ...config, warnings: [] }).toEqual(loadConfig({}, service));
    },
  );
});
