// Half-open connections are detected by the server's pings.
import { OpenSockets } from '../src/engine/realtime/sockets/open-sockets.js';
import type { Socket } from '../src/engine/realtime/sockets/socket.js';
import { RawSocket } from './support/socket-client.js';
import { startTcpProxy } from './support/tcp-proxy.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();

/** What the server holds of the only socket of an account. */
const serversEnd = ({ id }: Person): Socket => [...tidings.current.app.get(OpenSockets).of(id)][0]!;
const advance = (end: Socket, ms: number) => (end.clock = () => performance.now() + ms);

describe('a half-open connection', () => {
  it('is terminated after 50 s without a reply, with all its operations', async () => {
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
      advance(end, 40_000);
      end.checkAlive();
    }
    await until(() => !other.awaitingPong, 'the other one had answered');
    expect([gone.open, gone.awaitingPong]).toEqual([true, true]);
    advance(gone, 51_000);
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

  it('is not terminated while the server itself pauses reading', async () => {
    const person = await tidings.current.asUser();
    const socket = await RawSocket.signedIn(tidings.current.url, person.accessToken!);
    const end = serversEnd(person);
    end.pauseReading();
    advance(end, 51_000);
    end.checkAlive();
    end.resumeReading();
    end.checkAlive();
    expect(end.open).toBe(true);
    await socket.close();
  });
});
