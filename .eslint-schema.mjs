// Rules that tools of clients rely on, for schema.gql: `npm run lint:schema`. docs/api.md explains the exceptions.
import * as graphql from '@graphql-eslint/eslint-plugin';

const { parser, configs } = graphql;

export default [
  {
    files: ['**/*.gql'],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: { parser, parserOptions: { graphQLConfig: { schema: 'schema.gql' } } },
    rules: {
      ...configs['flat/schema-recommended'].rules,
      ...configs['flat/schema-relay'].rules,
      // Values that are part of something else are not identified by themselves.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            suffixes: ['Connection', 'Edge', 'Payload'],
            types: [
              'AccessChange',
              'ActivityDay',
              'DeliveryLatencyBucket',
              'HealthCounts',
              'OpenSocket',
              'PageInfo',
              'Presence',
              'ProjectEvent',
              'ProjectMember',
              'RealtimeStats',
              'SocketCloses',
              'Watching',
            ],
          },
        },
      ],
      // Some lists are read forwards alone.
      '@graphql-eslint/relay-arguments': ['error', { includeBoth: false }],
      // Edges of members, events, accounts, notifications and audit entries are no nodes; short lists have no edges.
      '@graphql-eslint/relay-edge-types': [
        'error',
        { withEdgeSuffix: true, shouldImplementNode: false, listTypeCanWrapOnlyEdgeType: false },
      ],
    },
  },
];
