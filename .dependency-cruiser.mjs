// Who may import whom in src/, as an executable check: `npm run imports`. The table is that of the design.
// What is not in it fails: a new folder of the engine or the domain begins with a row here.

/** All rows before this one. */
const ABOVE = ['(above)'];

/**
 * A folder of src/ and the folders that it may import, besides itself. Each folder has its own row, and none includes its subfolders;
 * the files of `engine` and `domain` themselves are lists of modules, tables and migrations.
 */
const MAY_IMPORT = {
  'embedded-postgres': [],
  'engine/config': [],
  'engine/errors': [],
  'engine/database': ['engine/config', 'engine/errors'],
  'engine/database/migrations': [],
  'engine/pubsub': ['engine/config', 'engine/errors'],
  'engine/monitoring': ABOVE,
  'engine/limits': ABOVE,
  'engine/mail': ABOVE,
  'engine/instances': ABOVE,
  'engine/events': ABOVE,
  'engine/access': ABOVE,
  'engine/graphql/schema': ABOVE,
  'engine/graphql/pagination': ABOVE,
  'engine/audit': ABOVE,
  'engine/graphql/operations': ABOVE,
  'engine/graphql/sharing': ABOVE,
  'engine/graphql/http': ABOVE,
  'engine/graphql': ABOVE,
  'engine/passwords': ABOVE,
  'engine/accounts': ABOVE,
  'engine/realtime/flow-control': ['engine/errors', 'engine/database'],
  'engine/realtime/fan-out': ABOVE,
  'engine/realtime/sockets': ABOVE,
  'engine/realtime/presence': ABOVE,
  'engine/realtime': ABOVE,
  'engine/sessions': ABOVE,
  engine: ABOVE,
  'domain/migrations': ['engine/database', 'engine/events'],
  'domain/projects': ABOVE,
  'domain/updates': ABOVE,
  'domain/notifications': ABOVE,
  'domain/feed': ABOVE,
  domain: ABOVE,
  boot: ['embedded-postgres', 'engine/(.*)'],
  demo: ['demo/stories', 'engine/(.*)', 'domain/(.*)', 'boot'],
  'demo/stories': ['demo', 'engine/(.*)', 'domain/(.*)'],
  pages: ['engine/(.*)', 'boot'],
  cli: ['embedded-postgres', 'engine', 'engine/(.*)', 'boot'],
};

const folders = Object.keys(MAY_IMPORT);
const inside = (names) => `^src/(${names.join('|')})/[^/]+$`;
const TOP_LEVEL = '^src/[^/]+$';
/** Specs, and the contracts that specs share. They keep to the table too, and are not part of the build. */
const TESTS = '\\.(spec|contract)\\.ts$';

const layers = Object.entries(MAY_IMPORT).map(([folder, imports], row) => ({
  name: `table: ${folder}`,
  comment: `src/${folder} imports what it may not, see MAY_IMPORT in .dependency-cruiser.mjs`,
  severity: 'error',
  from: { path: inside([folder]) },
  to: { path: '^src/', pathNot: inside([folder, ...(imports === ABOVE ? folders.slice(0, row) : imports)]) },
}));

/** Files that must not be, whether or not they import anything or are imported: what is required of them cannot be met. */
const banned = (module) => ({ module, to: { path: '^$' } });

const bannedFiles = {
  'table: unknown folder': {
    comment: 'this folder has no row in MAY_IMPORT',
    ...banned({ path: '^src/', pathNot: [TOP_LEVEL, inside(folders)] }),
  },
  'no-barrel': {
    comment: 'import from the file that owns the name',
    ...banned({ path: '^src/(.*/)?index\\.[^/]+$' }),
  },
  'no-catch-all': {
    comment: 'name it after what it does',
    ...banned({ path: '^src/(.*[/.-])?(utils?|helpers?|common)[/.]' }),
  },
};

const bannedImports = {
  'no-cycle': {
    comment: 'type-only imports count: they are cycles in the head',
    from: {},
    to: { circular: true },
  },
  'sessions-provide-ports': {
    comment:
      'sessions know of realtime nothing but the ports that they implement: another identity provider can do so as well',
    from: { path: '^src/engine/sessions/', pathNot: TESTS },
    to: { path: '^src/engine/realtime/', pathNot: '\\.port\\.ts$' },
  },
  'no-test-in-source': {
    comment: 'what only specs need is not in the build',
    from: { path: '^src/', pathNot: TESTS },
    to: { path: [TESTS, '^test/'] },
  },
  'tests-use-test-support': {
    comment: 'specs take what they share from test/support and test/fixtures',
    from: { path: `^src/.*${TESTS}` },
    to: { path: '^test/', pathNot: '^test/(support|fixtures)/' },
  },
  'stay-in-src': {
    comment: 'what lies around src/ builds on it, not the other way; specs may import test/',
    from: { path: '^src/' },
    to: { pathNot: ['^src/', '^test/', '(^|/)node_modules/'], dependencyTypesNot: ['core', 'unknown'] },
  },
  'no-dev-dependency': {
    comment: 'production installs do not have it',
    from: { path: '^src/', pathNot: TESTS },
    to: { dependencyTypes: ['npm-dev'] },
  },
  'declared-dependency': {
    comment: 'package.json does not name it: it is there by accident',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
  },
  resolvable: {
    comment: 'there is no such file or package',
    from: {},
    to: { couldNotResolve: true },
  },
};

const named = (rules) => Object.entries(rules).map(([name, rule]) => ({ name, severity: 'error', ...rule }));

export default {
  forbidden: [...layers, ...named(bannedImports)],
  required: named(bannedFiles),
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
