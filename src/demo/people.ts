// Who works at the demo's company, a bike-share operator in a harbour city.
import { Role } from '../engine/access/role.js';

export interface Person {
  readonly name: string;
  readonly email: string;
  readonly role: Role;
}

const people = {
  ada: { name: 'Ada Moreau', email: 'admin@example.com', role: Role.ADMIN },
  elias: { name: 'Elias Brandt', email: 'editor@example.com', role: Role.EDITOR },
  uma: { name: 'Uma Reyes', email: 'user@example.com', role: Role.USER },
  maya: { name: 'Maya Lindqvist', email: 'maya.lindqvist@example.com', role: Role.EDITOR },
  tomas: { name: 'Tomás Ferreira', email: 'tomas.ferreira@example.com', role: Role.EDITOR },
  priya: { name: 'Priya Nair', email: 'priya.nair@example.com', role: Role.EDITOR },
  leila: { name: 'Leila Haddad', email: 'leila.haddad@example.com', role: Role.EDITOR },
  jonas: { name: 'Jonas Weber', email: 'jonas.weber@example.com', role: Role.USER },
  sam: { name: 'Sam Okoro', email: 'sam.okoro@example.com', role: Role.USER },
} as const satisfies Record<string, Person>;

/** Of the three demo accounts; public. */
export const DEMO_PASSWORD = 'tidings-demo';

export type PersonName = keyof typeof people;

export const PEOPLE: Readonly<Record<PersonName, Person>> = people;
