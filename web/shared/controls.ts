// CSS classes of the shared controls.
import styles from './controls.module.css';

export { styles as controls };

/** Joins class names, ignoring falsy ones. */
export const classes = (...names: readonly (string | false | undefined)[]): string => names.filter(Boolean).join(' ');
