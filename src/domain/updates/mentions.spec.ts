// What a text mentions, without a database.
import { findMentions } from './mentions.js';

const members = [
  { id: 'ada', name: 'Ada' },
  { id: 'lovelace', name: 'Ada Lovelace' },
  { id: 'zoe', name: 'Zoë' },
  { id: 'strasse', name: 'Straße' },
  { id: 'sigma', name: 'Νίκος' },
  { id: 'bob', name: 'Bob' },
  { id: 'bob too', name: 'BOB' },
];

describe('a mention', () => {
  it.each<[string, string, string[]]>([
    ['is a name behind an @', 'Thanks, @Ada!', ['ada']],
    ['is the longest name that fits', 'Ask @Ada Lovelace about it', ['lovelace']],
    ['is a shorter one where the longer one goes on', 'Ask @Ada Lovelaces', ['ada']],
    ['comes in any case', '@aDA and @ADA LOVELACE', ['ada', 'lovelace']],
    ['comes in any normal form', 'Hello @Zoe\u0308 and @ZOE\u0308', ['zoe']],
    ['compares as capitals do', '@STRASSE, @straße', ['strasse']],
    ['knows the final sigma', '@ΝΊΚΟΣ', ['sigma']],
    ['means everyone of that name', '@bob', ['bob', 'bob too']],
    ['counts once', '@Ada @Ada @ada', ['ada']],
    ['needs the end of the name', '@Adam @Ada_ @Ada1 @Ada\u0301', []],
    ['may end the text', 'cc @Ada', ['ada']],
    ['may begin it', '@Ada', ['ada']],
    ['may follow another at once', '@Ada@Bob', ['ada']],
    ['may stand in brackets', '(@Ada)[@Zoë]', ['ada', 'zoe']],
    ['is no mail address', 'write to me@Ada or 𝒳@Ada', []],
    ['needs the name right behind', '@ Ada', []],
    ['is nobody else', '@Eve @@ @', []],
    ['is not the name alone', 'Ada', []],
  ])('%s: %j', (_what, text, expected) => {
    expect(findMentions(text, members)).toEqual(expected);
  });

  it('is looked for without regard to how much is sent', () => {
    const crowd = Array.from({ length: 5_000 }, (_, n) => ({ id: String(n), name: `${'x'.repeat(n % 100)}${n}` }));
    const began = performance.now();
    expect(findMentions('@'.repeat(20_000), crowd)).toEqual([]);
    expect(performance.now() - began).toBeLessThan(500);
  });
});
