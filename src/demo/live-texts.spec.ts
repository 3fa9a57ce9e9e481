import { Health } from '../domain/projects/health.js';
import { STORIES } from './prepare-demo.js';
import { LiveTexts, nextHealth } from './live-texts.js';
import { SUBJECTS } from './live-phrases.js';

/** The same numbers for every run: a linear congruential generator. */
function seeded(seed = 7): () => number {
  let state = seed;
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}

const KEYS = [...Object.keys(SUBJECTS), 'SOMEBODY-ELSES'];
const HEALTHS = Object.values(Health);
const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

const at = <T>(list: readonly T[], index: number) => list[index % list.length] as T;

describe('what the live demo says', () => {
  it('does not repeat itself within an hour of acts', () => {
    const texts = new LiveTexts(seeded());
    const bodies = times(300, (index) => texts.update(at(KEYS, index), null, at(HEALTHS, index)).body);
    const replies = times(300, (index) => texts.reply(at(KEYS, index), at(HEALTHS, index), 'Maya Lindqvist'));
    const chat = times(250, (index) => texts.chat(at(KEYS, index)));
    const all = [...bodies, ...replies, ...chat];
    expect(new Set(all).size).toBe(all.length);
  });

  it('opens two updates of one project in a row differently', () => {
    const texts = new LiveTexts(seeded());
    const titles = times(100, () => texts.update('RIDER', Health.ON_TRACK, Health.ON_TRACK).title);
    const outcomes = titles.map((title) => title.slice(title.indexOf(':')));
    expect(outcomes.filter((outcome, index) => outcome === outcomes[index - 1])).toEqual([]);
  });

  it('has filled every blank, starts with a capital and fits what the API takes', () => {
    const texts = new LiveTexts(seeded());
    const said = KEYS.flatMap((key) =>
      HEALTHS.flatMap((health) =>
        times(40, (index) => {
          const { title, body, internalNote } = texts.update(key, HEALTHS[index % 3] ?? null, health);
          expect(title.length).toBeLessThanOrEqual(200);
          const comments = [texts.reply(key, health, 'Tomás Ferreira'), texts.chat(key)];
          return [title, body, internalNote ?? 'None', texts.amended(key, body), ...comments];
        }).flat(),
      ),
    );
    for (const text of said) {
      expect(text).not.toMatch(/[{}]|undefined| {2}/);
      expect(text).toMatch(/^[\p{Lu}\d]/u);
      expect(text.length).toBeLessThan(1_000);
    }
  });

  it('calls people by their first names', () => {
    const texts = new LiveTexts(seeded());
    const replies = times(40, () => texts.reply('SWAP', Health.AT_RISK, 'Tomás Ferreira')).join('\n');
    expect(replies).toContain('Tomás');
    expect(replies).not.toContain('Ferreira');
  });

  it('keeps one addendum, however often an update is edited', () => {
    const texts = new LiveTexts(seeded());
    const twice = texts.amended('SWAP', texts.amended('SWAP', 'The text.'));
    expect(twice.match(/Addendum: /g)).toHaveLength(1);
    expect(twice).toMatch(/^The text\.\n\nAddendum: ./);
  });

  it('knows the parts of every project of the demo', () => {
    expect(Object.keys(SUBJECTS).sort()).toEqual(STORIES.map(({ key }) => key).sort());
  });
});

describe('the health of a project', () => {
  it('mostly stays, changes one step at a time, and comes to everything in the end', () => {
    const random = seeded();
    const order = [Health.OFF_TRACK, Health.AT_RISK, Health.ON_TRACK];
    const seen = new Map<Health, number>();
    let health: Health = Health.ON_TRACK;
    for (let step = 0; step < 2_000; step += 1) {
      const next = nextHealth(health, random);
      expect(Math.abs(order.indexOf(next) - order.indexOf(health))).toBeLessThanOrEqual(1);
      seen.set(next, (seen.get(next) ?? 0) + 1);
      health = next;
    }
    for (const each of order) expect(seen.get(each)).toBeGreaterThan(200);
  });

  it('starts on track', () => {
    expect(nextHealth(null, () => 0.9)).toBe(Health.ON_TRACK);
  });
});
