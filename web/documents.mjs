// Generates the typed documents of the pages from schema.gql and their .graphql files: `npm run documents -w web`. The documents are
// syntax trees, so that pages need no parser.
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { preset } from '@graphql-codegen/client-preset';
import { codegen } from '@graphql-codegen/core';
import { buildSchema, parse } from 'graphql';

const WEB = import.meta.dirname;
/** Writes nothing, and fails if the generated files are out of date. */
const isCheck = process.argv.includes('--check');
/** Output folder, relative to `web/`. */
const OUTPUT = 'dashboard/src/gql/';

/** Text of the generated modules, by path. */
async function documents() {
  const sdl = readFileSync(join(WEB, '../schema.gql'), 'utf8');
  const sources = globSync('dashboard/src/**/*.graphql', { cwd: WEB })
    .sort()
    .map((location) => {
      const rawSDL = readFileSync(join(WEB, location), 'utf8');
      return { location, rawSDL, document: parse(rawSDL) };
    });
  const files = await preset.buildGeneratesSection({
    baseOutputDir: OUTPUT,
    config: {
      scalars: { DateTime: 'string', JSON: 'Record<string, unknown>' },
      strictScalars: true,
      useTypeImports: true,
      enumsAsTypes: true,
      onlyOperationTypes: true,
    },
    documents: sources,
    schema: parse(sdl),
    schemaAst: buildSchema(sdl),
    plugins: [],
    pluginMap: {},
    presetConfig: { fragmentMasking: false },
    documentTransforms: [],
  });
  // `gql.ts`, the map from texts to documents, is only for documents inside TypeScript.
  const wanted = files.filter(({ filename }) => filename.endsWith('graphql.ts'));
  return Promise.all(wanted.map(async (file) => [join(WEB, file.filename), await codegen(file)]));
}

for (const [path, text] of await documents()) {
  if (!isCheck) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  } else if (!existsSync(path) || readFileSync(path, 'utf8') !== text) {
    process.stdout.write(`${relative(WEB, path)} is not up to date: run \`npm run documents -w web\`.\n`);
    process.exitCode = 1;
  }
}
