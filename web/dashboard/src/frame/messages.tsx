// Toast messages, such as for the loss of a project. Screen readers announce them, and users can dismiss them.
import { createContext, type ReactNode, use, useCallback, useMemo, useRef, useState } from 'react';
import { controls } from '../../../shared/controls.js';
import styles from './messages.module.css';

interface Message {
  readonly id: number;
  readonly text: string;
}

/** Maximum number of visible messages; the oldest are removed. */
const MAX_MESSAGES = 3;
/** ms that a message is shown. */
const SHOWN_MS = 20_000;

const Shown = createContext<{ readonly messages: readonly Message[]; readonly dismiss: (id: number) => void }>({
  messages: [],
  dismiss: () => {},
});
const ShowMessage = createContext<(text: string) => void>(() => {});

export function MessagesProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [messages, setMessages] = useState<readonly Message[]>([]);
  const next = useRef(0);
  const dismiss = useCallback((id: number) => setMessages((all) => all.filter((one) => one.id !== id)), []);
  const tell = useCallback(
    (text: string) => {
      const id = (next.current += 1);
      setMessages((all) => [...all, { id, text }].slice(-MAX_MESSAGES));
      setTimeout(() => dismiss(id), SHOWN_MS);
    },
    [dismiss],
  );
  const shown = useMemo(() => ({ messages, dismiss }), [messages, dismiss]);
  return (
    <ShowMessage value={tell}>
      <Shown value={shown}>{children}</Shown>
    </ShowMessage>
  );
}

export const useShowMessage = (): ((text: string) => void) => use(ShowMessage);

/** The visible messages. A dialog needs its own instance, since nothing behind a dialog is announced. */
export function Messages(): ReactNode {
  const { messages, dismiss } = use(Shown);
  return (
    <div className={styles.messages} role="status">
      {messages.map(({ id, text }) => (
        <p key={id} className={styles.message}>
          <span dir="auto">{text}</span>
          <button className={controls.link} onClick={() => dismiss(id)}>
            Dismiss
          </button>
        </p>
      ))}
    </div>
  );
}
