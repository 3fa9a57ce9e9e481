// What a text mentions, without a database.
import { growth, LINEAR } from '../../../test/support/growth.js';
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

const others = [
  { id: 'wang', name: '王伟' },
  { id: 'qiang', name: '王伟强' },
  { id: 'li', name: '李雷' },
  { id: 'yamada', name: '山田太郎' },
  { id: 'taro', name: 'タロー' },
  { id: 'kim', name: '김철수' },
  { id: 'somchai', name: 'สมชาย' },
  { id: 'dana', name: 'דנה' },
  { id: 'layla', name: 'ليلى' },
  { id: 'mina', name: 'می‌نا' },
  { id: 'ipek', name: 'İpek Işık' },
];

/** As many characters, or nearly. */
const runsUpTo = (size: number) => Array.from({ length: Math.sqrt(2 * size) }, (_, at) => '`'.repeat(at + 1)).join(' ');

const crowdOf = (size: number) =>
  Array.from({ length: size }, (_, n) => ({ id: String(n), name: `${'x'.repeat(n % 90)}${n}` }));

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
    ['is none in a code span', 'the decorator `@Ada` of ``@Bob ` @Zoë``', []],
    ['is none in a code span of two lines', 'see `git\nlog @Ada`', []],
    ['may stand beside code', '`x`@Ada `@Bob`: @Zoë`x`', ['ada', 'zoe']],
    ['may stand behind a backtick that nothing closes', 'a ` and ``` @Ada\n\n` @Zoë', ['ada', 'zoe']],
    ['may stand between backticks of two list items', '- a ` here @Ada\n- a ` there', ['ada']],
    ['may stand between escaped backticks', '\\`@Ada\\`', ['ada']],
    ['is none behind an escaped backslash', '\\\\`@Ada`', []],
    ['is none in a fenced block', '```ts\n@Ada\n\n@Bob\n````\n@Zoë', ['zoe']],
    ['is none in a block of tildes', '~~~\n@Ada\n```\n@Bob\n~~~ \n@Zoë', ['zoe']],
    ['is none in a block of a list item', '1. ```\n   @Ada\n   ```\n2. @Zoë', ['zoe']],
    ['is none in a block that nothing closes', '@Zoë\r\n```\r\n@Ada', ['zoe']],
    ['may stand behind a quoted block', '> ```\n> @Ada\n@Zoë', ['zoe']],
    ['may stand in indented text', '    @Ada', ['ada']],
    ['is not the name alone', 'Ada', []],
  ])('%s: %j', (_what, text, expected) => {
    expect(findMentions(text, members)).toEqual(expected);
  });

  it.each<[string, string, string[]]>([
    ['Chinese, between letters', '请@王伟看一下', ['wang']],
    ['Chinese, one after the other', '@王伟@李雷，你们好', ['wang', 'li']],
    ['Chinese, by the longest name', '@王伟强来了', ['qiang']],
    ['Japanese, with an honorific', '@山田太郎さん', ['yamada']],
    ['Japanese, by the keyboard of Japan', '担当＠山田太郎さん', ['yamada']],
    ['Japanese, in katakana of half width', '@ﾀﾛｰさん', ['taro']],
    ['Japanese, not within a longer sound', '@タローー', []],
    ['Korean, with a particle', '@김철수님이', ['kim']],
    ['Thai, between letters', 'ขอ@สมชายช่วยดู', ['somchai']],
    ['Thai, not within a syllable', '@สมชายี', []],
    ['Hebrew, behind a prefix', 'ש@דנה תבדוק', ['dana']],
    ['Hebrew, not within a longer word', '@דנהה', []],
    ['Hebrew, behind marks of direction', '\u200f@\u200fדנה\u200f', ['dana']],
    ['Arabic, behind a conjunction', 'و@ليلى', ['layla']],
    ['Latin letters within Chinese', '请@Ada看一下', ['ada']],
    ['the small at-sign', '﹫Ada', ['ada']],
    ['letters of full width', '＠Ａｄａ', ['ada']],
    ['a no-break space', '@Ada\u00a0Lovelace', ['lovelace']],
    ['several spaces, a narrow one and a tab', '@Ada \u202f\tLovelace', ['lovelace']],
    ['two lines, which are two things', '@Ada\nLovelace', ['ada']],
    ['emphasis around it', '_@Ada Lovelace_', ['lovelace']],
    ['strong emphasis around it', '__@Ada__ and *@Bob* and ~~@Zoë~~', ['ada', 'bob', 'bob too', 'zoe']],
    ['emphasis around the sentence', '_Thanks, @Ada_ ', ['ada']],
    ['underscores of an earlier paragraph', '_Thanks_\n\n@Ada_', []],
    ['underscores that are a part of a word', 'me_@Ada and x_@Bob_', []],
    ['dotless ı', '@ipek ışık', ['ipek']],
    ['Turkish capitals', '@İPEK IŞIK', ['ipek']],
    ['capitals of another keyboard', '@IPEK IŞIK', ['ipek']],
    ['a dot above that was typed', '@i\u0307pek ışık', ['ipek']],
    ['Greek capitals without accents', '@ΝΙΚΟΣ', ['sigma']],
    ['a capital sharp s', '@STRAẞE', ['strasse']],
    ['a joiner that was left out', '@می‌نا @مینا', ['mina']],
    ['a full stop', '@Ada. @Zoë.', ['ada', 'zoe']],
    ['an address behind Chinese', '王@ada.com 写信', []],
    ['an address of another script', 'адрес@Ada', []],
    ['an at-sign of full width in an address', 'me＠Ada', []],
    ['a possessive', "@Ada's and @Zoë’s", ['ada', 'zoe']],
  ])('is recognized or not with %s: %j', (_what, text, expected) => {
    expect(findMentions(text, [...members, ...others])).toEqual(expected);
  });

  it.each<[string, (size: number) => string]>([
    ['at-signs', (size) => '@'.repeat(size)],
    ['underscores', (size) => '_'.repeat(size)],
    ['underscores before at-signs', (size) => `${'_'.repeat(size)}@`.repeat(2)],
    ['emphasis', (size) => '_a '.repeat(size)],
    ['names', (size) => '@Ada Lovelace '.repeat(size)],
    ['spaces', (size) => `@Ada${' '.repeat(size)}Lovelace`],
    ['line breaks', (size) => `_a${'\n'.repeat(size)}@Ada_`],
    ['letters that NFKC makes long', (size) => 'ﷺ'.repeat(size)],
    ['Greek', (size) => 'ΐ'.repeat(size)],
    ['backticks', (size) => '` @Ada `` '.repeat(size)],
    ['runs of backticks, each longer than the one before', runsUpTo],
    ['escaped backticks', (size) => '\\`'.repeat(size)],
    ['blocks that close nothing', (size) => `${'`'.repeat(size)}\n`.repeat(2) + '```\n'.repeat(size)],
  ])('is searched in linear time in %s', async (_what, textOf) => {
    expect(await growth(10_000, textOf, (text) => findMentions(text, members))).toBeLessThan(LINEAR);
  });

  it('is searched in linear time in the number of members', async () => {
    expect(await growth(1_000, crowdOf, (crowd) => findMentions('@x'.repeat(10_000), crowd))).toBeLessThan(LINEAR);
  });
});
