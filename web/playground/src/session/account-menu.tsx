// Account menu: the signed-in account, and switching to another one.
import { DropdownMenu } from '@graphiql/react';
import type { Account } from '@tidings/client';
import { type ReactNode, useState } from 'react';
import { signInProblem } from '../../../shared/sign-in-form.js';
import { tidings } from '../service.js';
import { useDemo } from './demo.js';
import styles from './session.module.css';

export function AccountMenu({
  account,
  onSwitch,
}: {
  readonly account: Account;
  /** Called to sign in as an account that is not listed. */
  readonly onSwitch: () => void;
}): ReactNode {
  const { accounts, password } = useDemo();
  const [problem, setProblem] = useState('');
  const others = password === null ? [] : accounts.filter(({ email }) => email !== account.email);
  const run = (act: Promise<void>): void => {
    setProblem('');
    act.catch((error: unknown) => setProblem(signInProblem(error)));
  };
  return (
    <>
      {problem && (
        <span className={styles.problem} role="alert">
          {problem}
        </span>
      )}
      <DropdownMenu>
        <DropdownMenu.Button className={styles.account} aria-label={`Account: ${account.name}`}>
          <span className={styles.avatar} aria-hidden="true">
            {initialsOf(account.name)}
          </span>
          <span className={styles.name}>{account.name}</span>
          <span className={styles.role}>{account.role}</span>
        </DropdownMenu.Button>
        <DropdownMenu.Content align="end" sideOffset={8}>
          {others.map(({ email, name, role }) => (
            <DropdownMenu.Item key={email} onSelect={() => run(tidings.signIn({ email, password: password! }))}>
              Switch to {name} <span className={styles.role}>{role}</span>
            </DropdownMenu.Item>
          ))}
          <DropdownMenu.Item onSelect={onSwitch}>Sign in as somebody else</DropdownMenu.Item>
          <DropdownMenu.Item onSelect={() => run(tidings.signOut())}>Sign out</DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu>
    </>
  );
}

const initialsOf = (name: string): string =>
  name
    .split(/\s+/)
    .map((word) => [...word][0] ?? '')
    .slice(0, 2)
    .join('')
    .toUpperCase();
