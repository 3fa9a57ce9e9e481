// What a client or an outage makes the service say again and again.
import { RepeatedLines } from './repeated-lines.js';

const word = (n: number) => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('');

describe('RepeatedLines', () => {
  it('logs equal lines ten times per window, whatever their numbers and ids, and then counts them in one line', () => {
    const reported: string[] = [];
    const lines = new RepeatedLines((line) => reported.push(line));
    const written = Array.from({ length: 1_000 }, (_, n) =>
      lines.admits(
        'error [Mailer]',
        `Mail ${n} to 0199aaaa-bbbb-7ccc-8ddd-${String(n).padStart(12, '0')} was not sent`,
      ),
    );
    expect(written.filter(Boolean)).toHaveLength(10);
    expect(lines.admits('error [Log]', 'The log cannot be followed')).toBe(true);
    lines.close();
    expect(reported).toEqual(['990 more lines like this in 10 s: error [Mailer]: Mail # to # was not sent']);
    expect(lines.admits('error [Mailer]', 'Mail 1 to 2 was not sent')).toBe(true);
    lines.close();
    expect(reported).toHaveLength(1);
  });

  it('distinguishes a bounded number of lines', () => {
    const reported: string[] = [];
    const lines = new RepeatedLines((line) => reported.push(line));
    const written = Array.from({ length: 2_000 }, (_, n) => lines.admits('warn', word(n)));
    expect(written.filter(Boolean)).toHaveLength(510);
    lines.close();
    expect(reported).toEqual(['1490 more lines like this in 10 s: warn: other lines']);
  });
});
