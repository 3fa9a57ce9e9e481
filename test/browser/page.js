// What a page does, ours or a stranger's: each act resolves to what the page gets to know of it. The tests call them by name.
/* global document, graphqlWs, location */
const CSRF = { 'x-tidings-csrf': '1' };

/** An operation as docs/sessions.md tells pages to send them; `headers` in the place of its own. */
async function ask(url, query, variables, headers = { 'content-type': 'application/json', ...CSRF }) {
  const request = { method: 'POST', credentials: 'include', headers, body: JSON.stringify({ query, variables }) };
  const reply = await fetch(`${url}/graphql`, request).then(
    async (response) => response.json(),
    (error) => ({ failed: error.name }),
  );
  return tell(query, reply);
}

/** The same without asking the server first whether it may: no reply of that can be read. */
async function blurt(url, query) {
  const headers = { 'content-type': 'text/plain' };
  const request = { method: 'POST', mode: 'no-cors', credentials: 'include', headers, body: JSON.stringify({ query }) };
  const { type } = await fetch(`${url}/graphql`, request);
  return tell(query, type);
}

/** Posts a form, which leaves the page. A field's name and value make JSON of it where the type is `text/plain`. */
function post(url, enctype, name, value) {
  const form = document.createElement('form');
  Object.assign(form, { action: `${url}/graphql`, method: 'post', enctype });
  const field = form.appendChild(document.createElement('input'));
  Object.assign(field, { name, value });
  document.body.append(form);
  form.submit();
}

/** Events of the stock client's socket and results of its subscription, in order. */
const heard = [];

/** Subscribes with the stock client; resolves when it is let in, or when it is not. */
function watch(url, query) {
  const client = graphqlWs.createClient({ url: `${url.replace(/^http/, 'ws')}/graphql`, retryAttempts: 0 });
  client.subscribe(
    { query },
    {
      next: ({ data }) => heard.push(tell('next', data)),
      error: () => {},
      complete: () => {},
    },
  );
  return new Promise((resolve) => {
    client.on('connected', () => resolve(tell('socket', 'connected')));
    client.on('closed', ({ code }) => {
      heard.push(tell('closed', code));
      resolve(code);
    });
  });
}

function tell(what, reply) {
  document.querySelector('#told').append(`${what}\n  → ${JSON.stringify(reply)}\n`);
  return reply;
}

Object.assign(globalThis, { ask, blurt, post, watch, heard });
document.addEventListener('DOMContentLoaded', () => {
  document.querySelector('#origin').textContent = location.origin;
});
