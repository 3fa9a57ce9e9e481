// Lower bound for a broadcast over WebSockets: one string, sent in a loop.
import { WebSocketServer } from 'ws';
import { serve, TEXT_ID } from './peer.mjs';

await serve((http) => {
  const server = new WebSocketServer({ server: http, perMessageDeflate: false, handleProtocols: ([first]) => first });
  return (event) => {
    const text = JSON.stringify({ id: TEXT_ID, type: 'next', payload: { data: { projectUpdated: event } } });
    for (const client of server.clients) client.send(text);
  };
});
