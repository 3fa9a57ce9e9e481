// RIDER: a project that slips: most is done, and one dependency is not in the team's hands.
import { ProjectRole } from '../../domain/projects/project-role.js';
import { Health } from '../../domain/projects/health.js';
import type { ProjectStory } from '../story.js';

export const rider: ProjectStory = {
  key: 'RIDER',
  name: 'Rider app 4.0',
  description:
    'A new app for riders: unlocking in under two seconds, group rides, and a map that works without a network. ' +
    'It replaces both older apps, and the QR codes on the handlebars with them.',
  budget: 640_000,
  created: '36d 10:00',
  lead: 'elias',
  members: [
    ['36d 10:04', 'priya', ProjectRole.EDITOR],
    ['36d 10:05', 'uma', ProjectRole.VIEWER],
    ['36d 10:06', 'sam', ProjectRole.VIEWER],
    ['35d 09:30', 'maya', ProjectRole.VIEWER],
  ],
  updates: [
    {
      at: '32d 16:30',
      by: 'elias',
      health: Health.ON_TRACK,
      title: 'Unlocking over Bluetooth works in the workshop',
      body: 'Median time from tap to click is 1.6 seconds over 400 unlocks, against 4.9 in the present app. It works in the basement as well, where there is no network at all. Next: the same numbers in the rain.',
      comments: [
        ['32d 16:44', 'sam', 'The present app’s spinner is our most frequent complaint. Cannot wait.'],
        ['31d 09:05', 'uma', 'Will it still work for riders with an older phone?'],
        ['31d 09:22', 'priya', 'Back to phones of about six years ago. Older ones fall back to the QR code.'],
      ],
    },
    {
      at: '27d 16:10',
      by: 'priya',
      health: Health.ON_TRACK,
      title: 'Offline map is 38 MB for the whole city',
      body: 'Streets, docks and cycle lanes for the whole city fit in 38 MB and update in the background by differences of a few kilobytes. Station counts show their age when the phone is offline, so nobody walks to an empty rack believing it is full.',
      note: 'The map licence is per active rider. At 90,000 riders we cross into the next tier; Elias is negotiating.',
      comments: [['26d 10:40', 'maya', 'Showing the age of a count is such a small thing, and so right.']],
    },
    {
      at: '22d 15:50',
      by: 'elias',
      health: Health.ON_TRACK,
      title: 'Closed beta with 300 riders',
      body: 'Three hundred riders use 4.0 for their daily trips. 4,120 rides so far, 11 crashes of the app, all of one kind and fixed in today’s build. Group rides are the surprise: a fifth of weekend trips were made by two or more on one account.',
      comments: [
        [
          '22d 16:35',
          'uma',
          'The feedback form brings in about thirty messages a day, most of them happy. I sort them every morning.',
        ],
        ['21d 08:55', 'elias', 'Thank you, Uma. The one about left-handed unlocking was gold.'],
      ],
    },
    {
      at: '17d 16:00',
      by: 'elias',
      health: Health.ON_TRACK,
      title: 'Accessibility audit passed, with two findings',
      body: 'The auditors used the app with screen readers, large type and switch control. Two findings: contrast of the reservation timer, and a gesture without an alternative. Both are fixed and will be looked at again on Wednesday.',
      comments: [['16d 11:15', 'priya', 'The timer now also vibrates. That helped everyone, as it tends to.']],
    },
    {
      at: '12d 16:25',
      by: 'elias',
      health: Health.AT_RISK,
      title: 'Payment sheet waits for the provider’s certification',
      body: 'Everything on our side is done, but the payment provider has to certify the new checkout before we may ship it, and their queue is four weeks long. We asked for priority and were told to expect an answer within days. Launch moves only if the answer is no.',
      note: 'Plan B is to launch with the old checkout in a web view. Ugly, certified, two days of work. I would rather ask for one more week.',
      comments: [
        ['12d 16:40', 'sam', 'Should support know anything about a delay?'],
        ['12d 16:48', 'elias', 'Not yet. If it moves, you will hear it first, and with a date.'],
        ['11d 09:33', 'priya', 'I sent them our test protocol today, so that they can start with the boring half.'],
      ],
    },
    {
      at: '7d 16:15',
      by: 'priya',
      health: Health.AT_RISK,
      title: 'Certification has begun, first round of questions answered',
      body: 'We got a slot after all. The provider sent 23 questions, and all of them were answered within a day. Two concern refunds of group rides, where we now show the split before the payment. Meanwhile the app starts 300 ms faster on older phones.',
      comments: [
        ['6d 10:20', 'uma', 'Showing the split first would have saved us a third of last month’s refund mails.'],
        ['6d 10:41', 'maya', 'Anything that I can do to speed them up? I know somebody over there.'],
        ['6d 11:02', 'elias', 'A friendly word about our date would help. Thank you!'],
      ],
    },
    {
      at: '2d 16:40',
      by: 'elias',
      health: Health.AT_RISK,
      title: 'One open point left with the provider',
      body: 'Of 23 points 22 are closed. The last one is about how long we keep a declined card’s last four digits; our proposal is thirty days, and their compliance team decides on Tuesday. If they agree, the launch date holds. If not, we ship one week later, without the old checkout.',
      note: 'I have told the store teams to keep both weeks free. Marketing prints nothing with a date on it until Tuesday.',
      comments: [
        ['2d 16:58', 'priya', 'Release candidate 3 is in the beta channel, with exactly what we would ship.'],
        ['1d 09:12', 'uma', 'The beta riders ask for a dark map. I answered that it is coming; is it?'],
        ['1d 09:30', 'elias', 'In 4.1, promised.'],
      ],
    },
  ],
  chat: [
    ['35d 11:00', 'elias', 'Stand-up notes go here from now on, short ones please.'],
    ['29d 13:20', 'priya', 'Build machine is back. It was the cable, of course.'],
    ['20d 15:05', 'maya', 'My phone is the oldest one in the company. Happy to test on it.'],
    ['20d 15:09', 'elias', 'Please do, and never update it.'],
    [
      '9d 10:30',
      'sam',
      'Support knows the new flow now: two sessions, eleven people, one very good question about tandems.',
    ],
    ['1d 14:45', 'priya', 'Crash-free sessions in the beta: 99.93 % over seven days.'],
  ],
};
