import { TidingsProvider } from '@tidings/client/react';
import { RouterProvider } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ReloadForNewBuild } from './new-build.js';
import { router } from './router.js';
import { tidings } from './tidings.js';

export function App(): ReactNode {
  return (
    <TidingsProvider tidings={tidings}>
      <ReloadForNewBuild />
      <RouterProvider router={router} />
    </TidingsProvider>
  );
}
