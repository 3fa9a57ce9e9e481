// Jest transformer: compiles TypeScript with the build's compiler and tsconfig.json. Jest caches the results.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { VERSION } from 'rolldown';
import { transformSync } from 'rolldown/utils';

/** Part of the cache key: the compiler's version, this file and tsconfig.json. */
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
