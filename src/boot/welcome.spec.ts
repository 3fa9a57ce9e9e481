import { loadConfig } from '../engine/config/config.js';
import { welcome } from './welcome.js';
import { service } from './service.js';

const config = loadConfig({}, service);
const url = 'http://127.0.0.1:4000';

it('welcome lists the demo accounts that can sign in', () => {
  expect(welcome(config, { url, demo: ['a@b.c', 'd@e.f', 'g@h.i'] })).toContain('  Sign in as a@b.c, d@e.f or g@h.i\n');
  expect(welcome(config, { url, demo: ['a@b.c'] })).toContain('  Sign in as a@b.c\n');
});

it('welcome lists no demo account if there is none, whatever DEMO is', () => {
  expect(config.demo).toBe(true);
  expect(welcome(config, { url, demo: [] })).not.toContain('Sign in');
});
