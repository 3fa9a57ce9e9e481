// Socket.IO: all clients in one room.
import { Server } from 'socket.io';
import { serve } from './peer.mjs';

await serve((http) => {
  const io = new Server(http, { transports: ['websocket'], pingInterval: 300_000, pingTimeout: 300_000 });
  io.on('connection', (socket) => socket.join('project'));
  return (event) => io.to('project').emit('projectUpdated', event);
});
