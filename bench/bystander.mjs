// A client that must not be affected by the load of others: posts at a fixed rate, and subscribes to its posts.
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { send } from './service.mjs';

const POST_EVERY_MS = 25;
/** Timeout in ms. Posts and deliveries that take longer are recorded with this time. */
const GIVE_UP_MS = 10_000;
const POST = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';
const WATCH = 'subscription ($id: ID!) { projectUpdated(projectId: $id) { update { title } } }';
const LOGIN = 'mutation { login(input: { email: "user@example.com", password: "tidings-demo" }) { accessToken } }';

/** Posts at a fixed rate, and measures the deliveries. */
export class Bystander {
  #heard = new Map();
  #count = 0;

  static async arrive(url, setting) {
    const bystander = new Bystander();
    Object.assign(bystander, { url, setting });
    await bystander.#subscribe();
    return bystander;
  }

  async #subscribe() {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    this.socket = socket;
    socket.on('error', () => undefined);
    const tell = (message) => socket.send(JSON.stringify(message));
    socket.once('open', () =>
      tell({ type: 'connection_init', payload: { authorization: `Bearer ${this.setting.token}` } }),
    );
    await new Promise((resolve, reject) => {
      socket.once('close', (code) => reject(new Error(`The bystander's socket was closed with ${code}`)));
      socket.on('message', (/** @type {Buffer} */ data) => {
        const { type, payload } = JSON.parse(data.toString('utf8'));
        if (type === 'connection_ack') {
          const variables = { id: this.setting.projectId };
          tell({ id: 'watch', type: 'subscribe', payload: { query: WATCH, variables } });
          setTimeout(resolve, 200);
        } else if (type === 'next') this.#heard.get(payload.data?.projectUpdated.update?.title)?.();
      });
    });
  }

  /**
   * Times of posts, deliveries and sign-ins, in ms, over `seconds`. What was refused or not answered in time has no time of its own: it is
   * entered with the time after which it is given up, and counted in `refusals`, by status and code, or in `late`.
   */
  async period(seconds) {
    const times = noTimes();
    const began = performance.now();
    const running = [];
    for (let at = 0; at < (seconds * 1_000) / POST_EVERY_MS; at += 1) {
      const due = began + at * POST_EVERY_MS;
      await delay(Math.max(0, due - performance.now()));
      running.push(this.#post(due, times));
      if (this.setting.logins && at % (1_000 / POST_EVERY_MS) === 0) running.push(this.#login(due, times));
    }
    await Promise.all(running);
    return times;
  }

  async #post(due, times) {
    const title = `Update ${(this.#count += 1)}`;
    const input = { projectId: this.setting.projectId, title, health: 'ON_TRACK' };
    const heard = new Promise((resolve) => this.#heard.set(title, resolve));
    const [post, delivery] = await Promise.all([
      timed(due, send(this.url, POST, { input }, this.setting.token), times, 'post'),
      timed(due, heard, times, 'delivery'),
    ]);
    times.posts.push(post);
    times.deliveries.push(delivery);
    this.#heard.delete(title);
  }

  async #login(due, times) {
    times.logins.push(await timed(due, send(this.url, LOGIN), times, 'login'));
  }

  /** Whether a post is delivered within five seconds. */
  async stillServed() {
    const times = noTimes();
    await this.#post(performance.now(), times);
    return times.deliveries[0] < 5_000;
  }

  leave() {
    this.socket.terminate();
  }
}

const noTimes = () => ({ posts: [], deliveries: [], logins: [], refusals: {}, late: {} });
const count = (counts, name) => (counts[name] = (counts[name] ?? 0) + 1);

/** ms from `due` until `work` succeeded, or `GIVE_UP_MS` if it has not. */
function timed(due, work, { refusals, late }, what) {
  const givenUp = delay(GIVE_UP_MS, 'late', { ref: false });
  return Promise.race([work.then(() => 'done'), givenUp]).then(
    (end) => {
      if (end === 'done') return performance.now() - due;
      count(late, what);
      return GIVE_UP_MS;
    },
    (error) => {
      count(refusals, `${what} ${error.refusal ?? error.code ?? error.message}`);
      return GIVE_UP_MS;
    },
  );
}
