// Compiles the TypeScript that a test file loads with the compiler of the build, as tsconfig.json says. Jest keeps the results in its cache.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { VERSION } from 'rolldown';
import { transformSync } from 'rolldown/utils';

/** What a result depends on, beside the file itself: this file and the settings of the compiler. */
const SETTINGS = [VERSION, ...[import.meta.filename, 'tsconfig.json'].map((file) => readFileSync(file, 'utf8'))];

export default {
  getCacheKey: (source, path, { configString }) =>
    createHash('sha256')
      .update(JSON.stringify([SETTINGS, configString, path, source]))
      .digest('hex'),

  process(source, path) {
    const { code, map, errors } = transformSync(path, source, { tsconfig: true, sourcemap: true });
    if (errors.length > 0) throw new AggregateError(errors, `Cannot compile ${path}: ${errors[0].message}`);
    return { code, map };
  },
};
