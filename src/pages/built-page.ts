// One page as the build left it: its document, and the files that it and the document of the build before load.
// Files are found by the addresses that the builds have; nothing that a client sends becomes a path.
// `web/build.mjs` may replace the builds at any time: a new one is noticed by its document.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { RequestHandler, Response } from 'express';
import { pageHeaders } from './page-policies.js';

/** Content codings that the build makes, the best first, and the ends of their files' names. */
const CODINGS = { br: '.br', gzip: '.gz' } as const;
type Coding = keyof typeof CODINGS;

/** A year: their names have a hash of what is in them. */
const FOREVER = 'public, max-age=31536000, immutable';

/** A file on disk, as it is and in content codings. */
interface BuiltFile {
  /** Where it is, then where a build that replaces this one moves it. */
  readonly paths: readonly string[];
  readonly codings: readonly Coding[];
}

/** A page and its builds. */
export interface Builds {
  /** Where they lie, the newest first. */
  readonly folders: readonly string[];
  /** The address that the files of all of them begin with; ends with a slash. */
  readonly base: string;
  /** The content security policy of the document and, since a worker has that of its own file, of the files. */
  readonly policy: string;
}

export class BuiltPage {
  private files: ReadonlyMap<string, BuiltFile> = new Map();
  private html: string | undefined;
  /** Which document was read: another build has another. */
  private version = '';

  constructor(private readonly builds: Builds) {}

  /** Whether there is a build. Must have been asked before `document` answers. */
  async isBuilt(): Promise<boolean> {
    await this.refresh();
    return this.html !== undefined;
  }

  /** Answers with the document of the newest build. */
  readonly document: RequestHandler = (_request, response) =>
    sendDocument(response, this.html ?? '', this.builds.policy);

  /** Reads the builds if there is another document. Where there is none, a build is just being replaced: the last one read stays. */
  private async refresh(): Promise<void> {
    const { folders, base } = this.builds;
    const document = join(folders[0]!, 'index.html');
    const version = await versionOf(document);
    if (version === undefined || version === this.version) return;
    const html = textOf(document);
    if (html === undefined) return;
    const files = new Map<string, BuiltFile>();
    for (const [at] of [...folders.entries()].toReversed()) {
      const later = folders.slice(at).map((folder) => join(folder, 'assets'));
      for (const [name, file] of filesIn(later)) files.set(`${base}assets/${name}`, file);
    }
    this.files = files;
    this.html = html;
    this.version = version;
  }

  /** Another instance that shares the folder may have answered with the document of a newer build. */
  private async fileAt(address: string): Promise<BuiltFile | undefined> {
    if (!this.files.has(address)) await this.refresh();
    return this.files.get(address);
  }

  /** Answers with a file of the builds. What is not there is left to others, and is not to be kept by caches. */
  readonly assets: RequestHandler = async (request, response, next) => {
    const address = request.baseUrl + request.path;
    if (!address.startsWith(`${this.builds.base}assets/`)) return next();
    response.set('cache-control', 'no-store');
    if (request.method !== 'GET' && request.method !== 'HEAD') return next();
    const file = await this.fileAt(address);
    if (!file) return next();
    const coding = file.codings.find((one) => request.acceptsEncodings(one));
    response.set(pageHeaders(this.builds.policy));
    return sendFile(file, coding, response, next);
  };
}

/** What browsers keep, and ask for again each time: Express answers 304 when it is the same. */
export function sendDocument(response: Response, html: string, policy: string, caching = 'no-cache'): void {
  const etag = `"${createHash('sha256').update(html).digest('base64url')}"`;
  response
    .type('html')
    .set({ 'cache-control': caching, etag, ...pageHeaders(policy) })
    .send(html);
}

function sendFile(
  { paths, codings }: BuiltFile,
  coding: Coding | undefined,
  response: Response,
  next: (error?: unknown) => void,
): void {
  const [path = '', ...others] = paths;
  response.type(extname(path)).set('cache-control', FOREVER);
  if (codings.length > 0) response.vary('accept-encoding');
  if (coding) response.set('content-encoding', coding);
  const options = { cacheControl: false, lastModified: false, acceptRanges: false };
  response.sendFile(path + (coding ? CODINGS[coding] : ''), options, (error: NodeJS.ErrnoException | undefined) => {
    // The client has left, or was sent a part.
    if (!error || response.headersSent || response.destroyed) return;
    // A build has replaced it.
    if (others.length > 0) return sendFile({ paths: others, codings }, coding, response, next);
    for (const header of ['content-encoding', 'content-type']) response.removeHeader(header);
    response.set('cache-control', 'no-store');
    next();
  });
}

/** Files of the first of `folders`, which may move to the others. */
function filesIn(folders: readonly string[]): Map<string, BuiltFile> {
  const names = new Set(namesIn(folders[0]!));
  const codings = Object.entries(CODINGS) as [Coding, string][];
  const own = [...names].filter((name) => !codings.some(([, end]) => name.endsWith(end)));
  return new Map(
    own.map((name) => {
      const made = codings.flatMap(([coding, end]) => (names.has(name + end) ? [coding] : []));
      return [name, { paths: folders.map((folder) => join(folder, name)), codings: made }];
    }),
  );
}

function namesIn(folder: string): readonly string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

async function versionOf(file: string): Promise<string | undefined> {
  try {
    const { ino, mtimeMs } = await stat(file);
    return `${ino} ${mtimeMs}`;
  } catch {
    return undefined;
  }
}
