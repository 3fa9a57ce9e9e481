// Account menu: the signed-in account, the theme, and sign-out.
import { useSession } from '@tidings/client/react';
import { type ReactNode, useState } from 'react';
import { controls } from '../../../shared/controls.js';
import { keepTheme, readTheme, type Theme } from '../../../shared/theme.js';
import { tidings } from '../tidings.js';
import styles from './account-menu.module.css';
import { initialsOf } from './avatars.js';

const THEMES: readonly (readonly [Theme, string])[] = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
];

export function ThemeChoice(): ReactNode {
  const [theme, setTheme] = useState(readTheme);
  return (
    <fieldset className={styles.themes}>
      <legend className={controls.label}>Appearance</legend>
      {THEMES.map(([value, label]) => (
        <label key={value} className={styles.choice}>
          <input
            type="radio"
            name="theme"
            checked={theme === value}
            onChange={() => {
              setTheme(value);
              keepTheme(value);
            }}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

export function AccountMenu(): ReactNode {
  const session = useSession();
  if (session.status !== 'signed-in') return null;
  const { name, email } = session.account;
  return (
    <>
      <button className={styles.avatar} popoverTarget="account" aria-label={`Account of ${name}`} title={name}>
        {initialsOf(name)}
      </button>
      <div id="account" popover="auto" className={styles.menu}>
        <p className={styles.who}>
          <strong dir="auto">{name}</strong>
          <span className={controls.hint}>{email}</span>
        </p>
        <ThemeChoice />
        <a className={controls.button} href="/?kiosk">
          Show on a wall
        </a>
        <button className={controls.button} onClick={() => void tidings.signOut()}>
          Sign out
        </button>
      </div>
    </>
  );
}
