// Measures the updates that a running service commits per second: node bench/post-update.mjs [url] [writers] [seconds]
// Start the service with demo data and RATE_LIMITS=off, since one account posts all updates. The script signs in as the demo editor,
// creates a project, and each writer posts one update after the other over HTTP.
const [url = 'http://localhost:4000', writers = '8', seconds = '10'] = process.argv.slice(2);

async function send(query, variables, token) {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

const credentials = { email: 'editor@example.com', password: 'tidings-demo' };
const { login } = await send('mutation ($input: LoginInput!) { login(input: $input) { accessToken } }', {
  input: credentials,
});
const key = `BENCH-${Date.now() % 1e9}`;
const create = 'mutation ($input: CreateProjectInput!) { createProject(input: $input) { id } }';
const { createProject } = await send(create, { input: { key, name: 'Bench' } }, login.accessToken);

const post = 'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }';
const latencies = [];
const end = performance.now() + Number(seconds) * 1_000;
async function write(writer) {
  for (let count = 0; performance.now() < end; count += 1) {
    const began = performance.now();
    const input = { projectId: createProject.id, title: `Update ${writer}-${count}`, health: 'ON_TRACK' };
    await send(post, { input }, login.accessToken);
    latencies.push(performance.now() - began);
  }
}
await Promise.all(Array.from({ length: Number(writers) }, (_, writer) => write(writer)));

latencies.sort((a, b) => a - b);
const quantile = (q) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))].toFixed(1);
console.log(`${writers} writers, ${seconds} s: ${(latencies.length / Number(seconds)).toFixed(0)} updates/s`);
console.log(`reply after p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms`);
