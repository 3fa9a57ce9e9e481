// Formatting of times and ages in the pages.
import { ageText, timeText } from '../web/shared/clock.js';

const at = (text: string) => new Date(text).getTime();

it('timeText shows the time today and the date of other days', () => {
  const now = at('2026-11-29T14:03:30');
  expect(timeText(at('2026-11-29T14:03:00'), now)).toBe('14:03');
  expect(timeText(at('2026-11-29T00:00:00'), now)).toBe('00:00');
  expect(timeText(at('2026-11-28T23:59:00'), now)).toBe('28 Nov, 23:59');
  expect(timeText(at('2025-11-29T14:03:00'), now)).toBe('29 Nov, 14:03');
});

it('ageText uses the largest fitting unit, and dates after two weeks', () => {
  const now = at('2026-11-29T12:00:00');
  const ages = ['2026-11-29T12:00:30', '2026-11-29T11:01:00', '2026-11-29T09:00:00', '2026-11-27T12:00:00'];
  const dates = ['2026-11-15T11:00:00', '2025-11-15T11:00:00'];
  expect([...ages, ...dates].map((text) => ageText(text, now))).toEqual([
    'just now',
    '59 min ago',
    '3 h ago',
    '2 d ago',
    '15 Nov',
    '15 Nov 2025',
  ]);
});
