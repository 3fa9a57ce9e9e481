import { useEffect } from 'react';

/** Sets the title of the page while the component is mounted. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Tidings` : 'Tidings';
  }, [title]);
}
