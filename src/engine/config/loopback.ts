// Recognizes hosts that are this machine.
import { isIPv4 } from 'node:net';

/** `localhost` and names below it, 127.0.0.0/8, ::1 with or without the brackets of a URL. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase();
  if (isIPv4(name)) return name.startsWith('127.');
  return name === 'localhost' || name.endsWith('.localhost') || name === '::1' || name === '[::1]';
}

/** True for `http://` on another machine: traffic can be read on the network. */
export function isExposed(origin: string): boolean {
  const url = new URL(origin);
  return url.protocol === 'http:' && !isLoopback(url.hostname);
}
