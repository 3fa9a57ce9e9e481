// Reloads a page that has been open for long when the service has a new build. A random delay spreads the reloads of all pages.
import { useConnection } from '@tidings/client/react';
import { useEffect, useRef } from 'react';

/** ms over which pages spread their reloads. */
const SPREAD_MS = 60_000;
/** ms between attempts to reach the page. */
const RETRY_MS = 5_000;
const KEY = 'tidings reloaded for';

/** Whether this tab has not been reloaded for this reason yet. Records the reason. Drafts are stored separately (kept.ts). */
function isFirst(reason: string): boolean {
  try {
    if (sessionStorage.getItem(KEY) === reason) return false;
    sessionStorage.setItem(KEY, reason);
    return true;
  } catch {
    // Without storage the page could reload in a loop.
    return false;
  }
}

/** Reloads the page once if one of its files no longer exists after a deployment. The second time the error is shown. */
export function reloadOnceForMissingFiles(): void {
  addEventListener('vite:preloadError', (event) => {
    const files = [...document.scripts].map(({ src }) => src).join(' ');
    if (!isFirst(`missing ${files}`)) return;
    event.preventDefault();
    location.reload();
  });
}

/** Reloads as soon as the page can be reached: an unattended screen would stay on the error page of the browser. */
async function reloadWhenReachable(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const timeout = AbortSignal.timeout(RETRY_MS);
    const found = await fetch(location.pathname, { method: 'HEAD', signal: AbortSignal.any([signal, timeout]) }).catch(
      () => undefined,
    );
    if (found?.ok) return location.reload();
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** Reloads after `ms` if `mayReload` returns true then. Returns the function to cancel it. */
export function reloadLater(ms: number, mayReload: () => boolean = () => true): () => void {
  const life = new AbortController();
  const timer = setTimeout(() => mayReload() && void reloadWhenReachable(life.signal), ms);
  return () => {
    clearTimeout(timer);
    life.abort();
  };
}

export function ReloadForNewBuild(): null {
  const { build } = useConnection();
  const first = useRef(build);
  useEffect(() => {
    first.current ??= build;
    if (!build || build === first.current) return undefined;
    return reloadLater(Math.random() * SPREAD_MS, () => isFirst(`build ${build}`));
  }, [build]);
  return null;
}
