// Routes of the dashboard. The open project is a parameter of the wall's address: the address can be shared, and "back" closes it.
import { createRootRoute, createRoute, createRouter, Outlet, redirect } from '@tanstack/react-router';
import { lazy } from 'react';
import { NotFoundPage, ProblemPage } from './frame/problem-page.js';
import { Gate } from './gate.js';
import { ForgotPage } from './sign-in/forgot-page.js';
import { RegisterPage } from './sign-in/register-page.js';
import { ResetPage } from './sign-in/reset-page.js';

/** Viewing distances of a kiosk, in metres. */
export const DISTANCES = [2, 3, 5] as const;
export type Distance = (typeof DISTANCES)[number];

export interface WallSearch {
  /** Key of the project whose panel is open. */
  readonly project?: string | undefined;
  /** Search text: part of a project's name or key. */
  readonly q?: string | undefined;
  readonly kiosk?: '';
  readonly distance?: Distance;
}

function wallSearch({ project, q, kiosk, distance }: Record<string, unknown>): WallSearch {
  const metres = DISTANCES.find((known) => String(known) === distance);
  return {
    ...(typeof project === 'string' && project ? { project: project.toUpperCase() } : {}),
    ...(typeof q === 'string' && q ? { q } : {}),
    ...(kiosk === undefined ? {} : { kiosk: '' as const }),
    ...(metres ? { distance: metres } : {}),
  };
}

/** Address of this site to open after sign-in or registration. */
export interface EntrySearch {
  readonly from?: string;
}

function entrySearch({ from }: Record<string, unknown>): EntrySearch {
  return typeof from === 'string' && /^\/(?![/\\])/.test(from) ? { from } : {};
}

const loadWall = () => import('./wall/wall-page.js');
const WallPage = lazy(loadWall);

const rootRoute = createRootRoute({
  component: Outlet,
  errorComponent: ProblemPage,
  notFoundComponent: NotFoundPage,
});

const wallRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  validateSearch: wallSearch,
  component: () => (
    <Gate prepare={loadWall}>
      <WallPage />
    </Gate>
  ),
});

const projectRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/projects/$key',
  beforeLoad: ({ params }) => {
    // oxlint-disable-next-line typescript/only-throw-error -- TanStack Router redirects by throwing
    throw redirect({ to: '/', search: { project: params.key }, replace: true });
  },
});

const registerRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/register',
  validateSearch: entrySearch,
  component: RegisterPage,
});

const forgotRoute = createRoute({ getParentRoute: () => rootRoute, path: '/forgot-password', component: ForgotPage });

/** Target of links in e-mails. The token is in the fragment, which browsers do not send to servers. */
const resetRoute = createRoute({ getParentRoute: () => rootRoute, path: '/reset', component: ResetPage });

export const router = createRouter({
  routeTree: rootRoute.addChildren([wallRoute, projectRoute, registerRoute, forgotRoute, resetRoute]),
  // Plain text instead of JSON, so that an address reads `?kiosk&distance=3`.
  parseSearch: (search) => Object.fromEntries(new URLSearchParams(search)),
  stringifySearch(search) {
    const own = Object.entries(search).filter(([, value]) => value !== undefined);
    if (own.length === 0) return '';
    return `?${own.map(([name, value]) => (value === '' ? name : `${name}=${encodeURIComponent(String(value))}`)).join('&')}`;
  },
  defaultErrorComponent: ProblemPage,
  defaultNotFoundComponent: NotFoundPage,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
