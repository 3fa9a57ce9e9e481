// Makes the live demo's sentences from their building blocks, so that none comes twice in a long time.
import { Health } from '../domain/projects/health.js';
import * as phrases from './live-phrases.js';
import { pick, type Random } from './live-schedule.js';

export interface UpdateText {
  readonly title: string;
  readonly body: string;
  readonly internalNote: string | null;
}

/** Texts that are remembered, so as not to be said again. */
const MEMORY = 2_000;
const MAX_DRAWS = 30;
const ADDENDUM = '\n\nAddendum: ';
const ORDER: readonly Health[] = [Health.OFF_TRACK, Health.AT_RISK, Health.ON_TRACK];

/** How a project does next: mostly as before, else one step away. */
export function nextHealth(present: Health | null, random: Random): Health {
  if (!present || random() < 0.7) return present ?? Health.ON_TRACK;
  // Recoveries are a little likelier than setbacks: people like to watch this.
  const step = random() < 0.6 ? 1 : -1;
  return ORDER[Math.max(0, Math.min(ORDER.length - 1, ORDER.indexOf(present) + step))] ?? present;
}

export class LiveTexts {
  private readonly said = new Set<string>();
  private readonly recent = new Map<readonly string[], readonly string[]>();

  constructor(private readonly random: Random) {}

  /** An update of the project with `key`, which did `before` and does `health` now. */
  update(key: string, before: Health | null, health: Health): UpdateText {
    const subject = this.subject(key);
    const turn = before && before !== health ? this.turn(before, health) : [];
    const title = this.fresh(() => `${capital(subject)}: ${this.fill(this.choose(phrases.TITLES[health]), key)}`);
    const body = this.fresh(() =>
      [
        this.fill(this.choose(phrases.OPENINGS[health]), key, { subject }),
        ...turn.map((sentence) => this.fill(sentence, key)),
        this.fill(this.choose(phrases.DETAILS), key),
        this.fill(this.choose(phrases.NEXT_STEPS), key),
      ].join(' '),
    );
    const hasNote = this.random() < 0.3;
    return {
      title,
      body,
      internalNote: hasNote ? this.fresh(() => this.fill(this.choose(phrases.NOTES), key)) : null,
    };
  }

  /** An answer to an update that `author` posted. */
  reply(key: string, health: Health, author: string): string {
    const name = author.split(' ', 1)[0] ?? author;
    const halves = [phrases.REACTIONS[health], phrases.FOLLOW_UPS] as const;
    return this.fresh(() => halves.map((half) => this.fill(this.choose(half), key, { name })).join(' '));
  }

  chat(key: string): string {
    return this.fresh(() => this.fill(this.choose(phrases.CHAT), key));
  }

  /** `body` with one addendum, in place of an earlier one. */
  amended(key: string, body: string): string {
    const addendum = this.fresh(() => this.fill(this.choose(phrases.ADDENDA), key));
    return `${body.split(ADDENDUM, 1)[0]}${ADDENDUM}${addendum}`;
  }

  private subject(key: string): string {
    return this.choose(phrases.SUBJECTS[key] ?? phrases.GENERAL_SUBJECTS);
  }

  private turn(before: Health, health: Health): readonly string[] {
    const better = ORDER.indexOf(health) > ORDER.indexOf(before);
    return [this.choose(phrases.TURNS[better ? 'better' : 'worse'])];
  }

  /** One of `choices`, but none of those that the last half of the draws from them gave. */
  private choose(choices: readonly string[]): string {
    const recent = this.recent.get(choices) ?? [];
    const chosen = pick(
      choices.filter((choice) => !recent.includes(choice)),
      this.random,
    );
    this.recent.set(choices, [...recent, chosen].slice(-Math.floor(choices.length / 2)));
    return chosen;
  }

  private number(from: number, to: number): string {
    return String(from + Math.floor(this.random() * (to - from + 1)));
  }

  private fill(phrase: string, key: string, given: { readonly subject?: string; readonly name?: string } = {}): string {
    const subject = given.subject ?? this.subject(key);
    const [n, m, p] = [this.number(2, 12), this.number(13, 49), this.number(50, 97)];
    const day = pick(phrases.DAYS, this.random);
    const values: Readonly<Record<string, string>> = {
      subject,
      Subject: capital(subject),
      n,
      m,
      p,
      day,
      name: given.name ?? '',
    };
    return phrase.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
  }

  /** What `draw` makes, drawn again while it was said lately. */
  private fresh(draw: () => string): string {
    let text = draw();
    for (let draws = 1; this.said.has(text) && draws < MAX_DRAWS; draws += 1) text = draw();
    this.said.delete(text);
    this.said.add(text);
    const [oldest] = this.said;
    if (this.said.size > MEMORY && oldest !== undefined) this.said.delete(oldest);
    return text;
  }
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
