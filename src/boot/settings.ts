// Variables of Tidings beside those of the engine: which pages are on, and the demo accounts. docs/configuration.md explains them.
import { z } from 'zod';
import type { ApplicationSettings, ApplicationValues } from '../engine/config/application-settings.js';
import type { Settings } from '../engine/config/config.schema.js';
import type { Config } from '../engine/config/config.js';
import { isLoopback } from '../engine/config/loopback.js';
import { flag, variable } from '../engine/config/variable-types.js';

export interface AppValues extends ApplicationValues {
  /** The dashboard is at `/`. */
  readonly dashboard: boolean;
  /** The playground is at the endpoint for browsers, and the schema answers introspection. */
  readonly playground: boolean;
  /** The demo accounts exist and are enabled. */
  readonly demo: boolean;
}

/** The effective configuration with the values of Tidings. */
export type AppConfig = Config & AppValues;

const variables = {
  DASHBOARD: variable(flag('on', 'off').default(true)),
  PLAYGROUND: variable(flag('on', 'off').optional()),
  DEMO: variable(flag('true', 'false').optional()),
};
type Read = Settings & z.output<z.ZodObject<typeof variables>>;

const onOff = (value: boolean) => (value ? 'on' : 'off');

export const settings: ApplicationSettings<AppValues> = {
  variables,
  problems: ({ NODE_ENV, DEMO }: Partial<Read>) =>
    NODE_ENV === 'production' && DEMO
      ? [{ variable: 'DEMO', reason: 'must not be true in production: its passwords are public' }]
      : [],
  warnings: ({ DEMO }: Read, { host }) =>
    DEMO && !isLoopback(host) ? ['DEMO accounts with public passwords can be reached from other machines'] : [],
  values: ({ DASHBOARD, PLAYGROUND, DEMO }: Read, { production, embedded, host }) => {
    const playground = PLAYGROUND ?? !production;
    const demo = DEMO ?? (embedded && isLoopback(host) && !production);
    return { dashboard: DASHBOARD, playground, introspection: playground, demo };
  },
  report: ({ dashboard, playground, demo }) => ({
    DASHBOARD: onOff(dashboard),
    PLAYGROUND: onOff(playground),
    DEMO: String(demo),
  }),
};
