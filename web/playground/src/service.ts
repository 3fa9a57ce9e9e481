// The client of the page, and the record of its traffic.
import { createTidings } from '@tidings/client';
import { ENDPOINT } from './endpoint.js';
import { playgroundFetcher } from './fetcher.js';
import { followRights } from './rights.js';
import { Frames } from './wire/frames.js';
import { recordedFetch, recordedSocket } from './wire/record.js';

export const frames = new Frames();

// Must run before a client is created: it uses the global WebSocket when it connects.
globalThis.WebSocket = recordedSocket(frames, globalThis.WebSocket);
globalThis.fetch = recordedFetch(frames, globalThis.fetch.bind(globalThis), ENDPOINT);

export const tidings = createTidings({ url: ENDPOINT, transport: 'cookie' });
export const rights = followRights(tidings);
export const fetcher = playgroundFetcher(tidings);
