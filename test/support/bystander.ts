// Hostile clients beside a well-behaved one. After each test, the well-behaved client (the bystander) must still
// receive events, and the service must have logged nothing and left no promise rejection unhandled.
import type { Socket as NetSocket } from 'node:net';
import { SocketServer } from '../../src/engine/realtime/sockets/socket-server.js';
import type { Socket } from '../../src/engine/realtime/sockets/socket.js';
import { createProject, postUpdate, type TestProject } from './factories.js';
import { RawSocket, type Watch } from './socket-client.js';
import type { Person, TestTidings } from './tidings.js';
import { until } from './wait.js';

const WATCH =
  'subscription ($id: ID!, $after: String) { projectUpdated(projectId: $id, after: $after) { seq update { title } } }';

export class Bystander {
  /** Subscribes to the bystander's project: variables `id` and `after`. */
  readonly watch = WATCH;
  person!: Person;
  project!: TestProject;
  private feed!: Watch;
  private readonly sockets: RawSocket[] = [];
  private readonly rejections: unknown[] = [];
  private readonly onRejection = (reason: unknown) => void this.rejections.push(reason);

  constructor(private readonly tidings: { readonly current: TestTidings }) {}

  async arrive(): Promise<void> {
    process.on('unhandledRejection', this.onRejection);
    this.person = await this.tidings.current.asUser('EDITOR');
    this.project = await createProject(this.person);
    this.feed = this.person.socket().subscribe(WATCH, { id: this.project.id });
    await this.tidings.current.watching(1);
  }

  leave(): void {
    process.off('unhandledRejection', this.onRejection);
  }

  /** An authenticated raw WebSocket, terminated after the test. */
  async hostile(): Promise<RawSocket> {
    const socket = await RawSocket.signedIn(this.tidings.current.url, this.person.accessToken!);
    this.sockets.push(socket);
    return socket;
  }

  /** Fails unless the socket still executes operations; closes it. */
  async stillServes(socket: RawSocket): Promise<void> {
    socket.send(subscribe('still', { query: '{ me { id } }' }));
    const answer = () => socket.messages.find(({ id }) => id === 'still');
    await until(() => answer() !== undefined, 'the socket answered');
    if (answer()?.payload?.data?.me.id !== this.person.id) throw new Error(`It answered ${JSON.stringify(answer())}`);
    await socket.close();
  }

  /** Fails if the bystander misses an event, the service has logged anything, or a promise rejection was unhandled. */
  async unharmed(): Promise<void> {
    for (const { ws } of this.sockets.splice(0)) ws.terminate();
    const id = await postUpdate(this.person, this.project.id, { title: `Still here ${Math.random()}` });
    const { title } = (await this.person.data(`{ project(key: "${this.project.key}") { latestUpdate { id title } } }`))
      .project.latestUpdate;
    let heard: unknown;
    while (heard !== title) heard = (await this.feed.next()).data.projectUpdated.update?.title;
    await this.tidings.current.watching(1);
    const noticed = [...this.tidings.current.logged.splice(0), ...this.rejections.splice(0)];
    if (noticed.length > 0) throw new Error(`After ${id}: ${noticed.map(String).join('\n')}`);
  }

  /** The server-side socket of a client socket. */
  servers(client: RawSocket): Socket {
    const sockets = [...this.tidings.current.app.get(SocketServer)['sockets']];
    const found = sockets.find((socket) => netOf(socket['ws']).remotePort === netOf(client.ws).localPort);
    if (!found) throw new Error('The server does not know this socket');
    return found;
  }
}

/** Sets up one bystander per test file and checks it after each test. */
export function useBystander(tidings: { readonly current: TestTidings }): Bystander {
  const bystander = new Bystander(tidings);
  beforeAll(() => bystander.arrive());
  afterEach(() => bystander.unharmed());
  afterAll(() => bystander.leave());
  return bystander;
}

/** A `subscribe` message of the graphql-transport-ws protocol; `id` and `payload` may be invalid. */
export function subscribe(id: unknown, payload: unknown): string {
  return JSON.stringify({ id, type: 'subscribe', payload });
}

/** The TCP socket of a WebSocket. Cork it to send several frames in one segment. */
export function netOf(ws: object): NetSocket {
  return (ws as Record<'_socket', NetSocket>)['_socket'];
}
