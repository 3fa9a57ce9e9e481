import { page } from '../page.config.js';

export default page('playground', '/graphql/', {
  worker: { format: 'es' },
  build: {
    chunkSizeWarningLimit: 3_000, // kB; the editor is loaded after the page
    rolldownOptions: {
      // GraphiQL's directives for the React Compiler, which is not used here.
      onLog: (level, log, report) => log.code !== 'MODULE_LEVEL_DIRECTIVE' && report(level, log),
    },
  },
  optimizeDeps: {
    include: ['monaco-graphql/esm/graphql.worker.js', 'picomatch-browser', 'graphql-language-service', 'graphql'],
  },
});
