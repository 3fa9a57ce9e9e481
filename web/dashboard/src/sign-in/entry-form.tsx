// Form that the service validates. Each error is shown beside its field.
import { OperationFailed, RateLimited, SignedOut, Unavailable } from '@tidings/client';
import { type FormEvent, type HTMLInputAutoCompleteAttribute, type ReactNode, useId, useRef, useState } from 'react';
import { controls } from '../../../shared/controls.js';
import { waitText } from '../../../shared/sign-in-form.js';

export interface EntryField {
  readonly name: string;
  readonly label: string;
  readonly type?: 'text' | 'email' | 'password';
  readonly autoComplete: HTMLInputAutoCompleteAttribute;
  readonly hint?: string;
  readonly maxLength?: number;
}

export interface EntryProblem {
  readonly text?: string;
  readonly fields: Readonly<Record<string, string>>;
}

const CANNOT_BE_REACHED = 'Tidings cannot be reached. Check your connection, then try again.';

/** Errors by field name, from `extensions.fields` of BAD_USER_INPUT, whose paths are such as `input.email`. */
function fieldsOf(error: OperationFailed): Record<string, string> {
  const found = error.errors.flatMap(({ extensions }) => (extensions?.['fields'] ?? []) as FieldProblem[]);
  return Object.fromEntries(found.map(({ path, message }) => [path.split('.').at(-1)!, sentence(message)]));
}

interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

const sentence = (message: string): string => `This ${message.replace(/\.?$/, '.')}`;

/** The problem to show for an error. `conflict`: the problem for CONFLICT in this form. */
export function problemOf(error: unknown, conflict?: EntryProblem): EntryProblem {
  if (error instanceof RateLimited)
    return { text: `Too many attempts. Try again in ${waitText(error.retryAfter)}.`, fields: {} };
  if (error instanceof Unavailable || error instanceof SignedOut) return { text: CANNOT_BE_REACHED, fields: {} };
  if (!(error instanceof OperationFailed)) return { text: 'Something went wrong. Try again.', fields: {} };
  switch (error.code) {
    case 'CONFLICT':
      return conflict ?? { text: error.message, fields: {} };
    case 'BAD_USER_INPUT': {
      const fields = fieldsOf(error);
      return Object.keys(fields).length > 0 ? { fields } : { text: error.message, fields };
    }
    case 'RATE_LIMITED': {
      const after = Number(error.errors[0]?.extensions?.['retryAfter'] ?? 60);
      return { text: `Too many attempts. Try again in ${waitText(after)}.`, fields: {} };
    }
    case 'SERVICE_UNAVAILABLE':
      return { text: CANNOT_BE_REACHED, fields: {} };
    default:
      return { text: error.message, fields: {} };
  }
}

export function EntryForm({
  fields,
  action,
  send,
  sending,
  conflict,
  children,
}: {
  readonly fields: readonly EntryField[];
  /** Rejects with an error of the client. */
  readonly action: (values: Readonly<Record<string, string>>) => Promise<void>;
  /** Label of the button. */
  readonly send: string;
  readonly sending: string;
  readonly conflict?: EntryProblem;
  readonly children?: ReactNode;
}): ReactNode {
  const id = useId();
  const form = useRef<HTMLFormElement>(null);
  const [problem, setProblem] = useState<EntryProblem>();
  const [isSending, setSending] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>): Promise<void> {
    event.preventDefault();
    if (isSending) return;
    const values = Object.fromEntries(
      [...new FormData(event.currentTarget)].map(([name, value]) => [name, value as string]),
    );
    setSending(true);
    setProblem(undefined);
    try {
      await action(values);
    } catch (error) {
      const found = problemOf(error, conflict);
      setProblem(found);
      const first = fields.find(({ name }) => found.fields[name]);
      (form.current?.elements.namedItem(first?.name ?? '') as HTMLInputElement | null)?.focus();
    } finally {
      setSending(false);
    }
  }

  // An error of a value that has no field in this form.
  const other = Object.entries(problem?.fields ?? {}).find(([name]) => !fields.some((field) => field.name === name));
  const text = problem?.text ?? other?.[1];
  return (
    <form ref={form} className={controls.stack} onSubmit={(event) => void submit(event)}>
      {fields.map(({ name, label, type = 'text', hint, autoComplete, maxLength }, at) => {
        const wrong = problem?.fields[name];
        const about = wrong ? `${id}-${name}-problem` : hint ? `${id}-${name}-hint` : undefined;
        return (
          <div className={controls.field} key={name}>
            <label className={controls.label} htmlFor={`${id}-${name}`}>
              {label}
            </label>
            <input
              className={controls.input}
              id={`${id}-${name}`}
              name={name}
              type={type}
              autoComplete={autoComplete}
              maxLength={maxLength}
              required
              autoFocus={at === 0}
              aria-invalid={wrong ? true : undefined}
              aria-describedby={about}
              dir={type === 'text' ? 'auto' : undefined}
            />
            {hint && !wrong && (
              <p className={controls.hint} id={`${id}-${name}-hint`}>
                {hint}
              </p>
            )}
            {wrong && (
              <p className={controls.problem} id={`${id}-${name}-problem`}>
                {wrong}
              </p>
            )}
          </div>
        );
      })}
      {text && (
        <p className={controls.problem} role="alert">
          {text}
        </p>
      )}
      <button className={controls.primary} disabled={isSending}>
        {isSending ? sending : send}
      </button>
      {children}
    </form>
  );
}
