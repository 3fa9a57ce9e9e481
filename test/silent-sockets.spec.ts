// Connections that nobody closes and that bring nothing any more: the server's pings find them.
import { OpenSockets } from '../src/engine/realtime/open-sockets.js';
import type { Socket } from '../src/engine/realtime/socket.js';
import { RawSocket } from './support/socket-client.js';
import { startTcpProxy } from './support/tcp-proxy.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();

/** What the server holds of the only socket of an account. */
const serversEnd = ({ id }: Person): Socket => [...tidings.current.app.get(OpenSockets).of(id)][0]!;
/** As if its client had been heard so long ago. */
const heard = (end: Socket, msAgo: number) => Reflect.set(end, 'heardAt', performance.now() - msAgo);
/** Whether it has been sent a ping, and nothing has answered. */
const isAsked = (end: Socket) => Reflect.get(end, 'pingedAt') !== undefined;

describe('a connection that goes silent', () => {
  it('is cut when nothing has answered for 50 s, with all that runs over it, and one that answers is not', async () => {
    const { hostname, port } = new URL(tidings.current.url);
    const proxy = await startTcpProxy(Number(port), hostname);
    const [away, present] = [await tidings.current.asUser(), await tidings.current.asUser()];
    const [silent, answering] = await Promise.all([
      RawSocket.signedIn(`http://127.0.0.1:${proxy.port}`, away.accessToken!),
      RawSocket.signedIn(tidings.current.url, present.accessToken!),
    ]);
    silent.send({ id: '1', type: 'subscribe', payload: { query: 'subscription { announcementPosted { id } }' } });
    const [gone, other] = [serversEnd(away), serversEnd(present)];
    await until(() => gone.operations.size === 1, 'the subscription was running');
    proxy.blackhole();
    for (const end of [gone, other]) {
      heard(end, 40_000);
      end.checkAlive();
    }
    await until(() => !isAsked(other), 'the other one had answered');
    expect([gone.open, isAsked(gone)]).toEqual([true, true]);
    heard(gone, 51_000);
    for (const end of [gone, other]) end.checkAlive();
    const known = () => [...tidings.current.app.get(OpenSockets)];
    await until(() => !known().includes(gone), 'it was cut');
    await until(() => gone.operations.size === 0, 'its subscription had ended');
    expect([known().includes(other), other.open]).toEqual([true, true]);
    // Its client is told as soon as the network lets it.
    const told = silent.closed;
    proxy.open();
    expect((await told).code).toBe(1006);
    await answering.close();
    await proxy.stop();
  });

  it('is not cut while it is the service that does not read', async () => {
    const person = await tidings.current.asUser();
    const socket = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
    const end = serversEnd(person);
    end.hold();
    heard(end, 51_000);
    end.checkAlive();
    end.release();
    end.checkAlive();
    expect(end.open).toBe(true);
    await socket.close();
  });
});
