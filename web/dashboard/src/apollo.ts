// Apollo Client for the project panel. The wall has its own store (wall-store.ts).
import { createApollo } from '@tidings/client/apollo';
import { tidings } from './tidings.js';

export const apollo = createApollo(tidings);
