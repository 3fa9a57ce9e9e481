import type { SessionState } from '@tidings/client';
import { useSyncExternalStore } from 'react';
import { type Rights } from '../rights.js';
import { rights, tidings } from '../service.js';

/** State of the session. The editors do not depend on it. */
export const useSessionState = (): SessionState => useSyncExternalStore(tidings.session.subscribe, tidings.session.get);

/** Roles of the account; undefined while unknown or if nobody is signed in. */
export const useRights = (): Rights | undefined => useSyncExternalStore(rights.subscribe, rights.get);
