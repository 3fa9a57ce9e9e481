// What runs, and for the programs that tests and benches start each module of ours as a file of its own, with the dependencies from
// node_modules. Jest compiles the specs itself.
import { globSync } from 'node:fs';
import { defineConfig } from 'rolldown';
import programs from './rolldown.config.mjs';

export default defineConfig([
  ...programs,
  {
    input: globSync(['src/**/*.ts', 'test/**/*.ts'], { exclude: ['**/*.spec.ts'] }),
    platform: 'node',
    tsconfig: true,
    external: (id) => /^[@a-z]/.test(id) && !id.startsWith('@oxc-project/runtime'),
    treeshake: false,
    output: {
      dir: 'dist',
      keepNames: true,
      sourcemap: true,
      preserveModules: true,
      preserveModulesRoot: import.meta.dirname,
    },
  },
]);
