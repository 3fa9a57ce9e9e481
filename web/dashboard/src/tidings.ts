// The Tidings client of the page.
import { createTidings } from '@tidings/client';
import { clearStoredState } from './project/stored-state.js';

export const tidings = createTidings({ url: '/graphql', transport: 'cookie' });

// Drafts survive an expired session. A sign-out by the user removes them.
tidings.session.subscribe(() => {
  const state = tidings.session.get();
  if (state.status === 'signed-out' && state.reason === 'signed-out') clearStoredState();
});
