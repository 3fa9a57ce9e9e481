// BILLING: a project that was in trouble and has recovered. editor@example.com is no member: for that account it does not exist.
import { ProjectRole } from '../../domain/projects/project-role.js';
import { Health } from '../../domain/projects/health.js';
import type { ProjectStory } from '../story.js';

export const billing: ProjectStory = {
  key: 'BILLING',
  name: 'Billing migration',
  description:
    'From the billing system of 2014 to one that settles every ride within the minute. ' +
    'No rider may pay twice, none may notice, and finance closes the month on the second working day.',
  budget: 455_000,
  created: '34d 09:15',
  lead: 'ada',
  members: [
    ['34d 09:20', 'leila', ProjectRole.OWNER],
    ['34d 09:21', 'priya', ProjectRole.EDITOR],
    ['34d 09:22', 'uma', ProjectRole.VIEWER],
  ],
  updates: [
    {
      at: '30d 11:20',
      by: 'leila',
      health: Health.ON_TRACK,
      title: 'Both systems run side by side',
      body: 'Every ride is now charged by the old system and calculated by the new one. Over the first 21,400 rides both agree in 99.2 %. The rest is rounding and one forgotten student discount.',
      comments: [['30d 11:50', 'priya', 'The student discount is found: it was a comment in a stored procedure.']],
    },
    {
      at: '25d 11:35',
      by: 'leila',
      health: Health.AT_RISK,
      title: 'Day passes do not add up',
      body: 'The new system charges a day pass per calendar day, the old one per 24 hours. Nobody had written that down, and riders rely on the old rule. We change the new system, which costs a week that we had planned for the rehearsal.',
      note: 'About 3,100 riders would have paid twice on one weekend. Good that we looked; please keep this out of the newsletter.',
      comments: [
        ['25d 12:10', 'uma', 'Riders love that 24 hour rule. Thank you for keeping it.'],
        ['24d 09:40', 'ada', 'A week is fine. Paying twice would not have been.'],
      ],
    },
    {
      at: '20d 11:10',
      by: 'leila',
      health: Health.OFF_TRACK,
      title: 'Rehearsal stopped: 214 refunds went out twice',
      body: 'In the rehearsal, on copied data, a restarted worker sent the same refunds again. No real money moved. We stopped the rehearsal, and will not set a new date for the switch before every payment carries a key of its own and the bank refuses the second one.',
      note: 'Worst case on live data would have been 9,800. The bank supports such keys; our adapter dropped them.',
      comments: [
        ['20d 11:24', 'ada', 'Right call. This is what rehearsals are for.'],
        ['20d 13:05', 'priya', 'I have a failing test for it. The fix is small, proving it is not.'],
      ],
    },
    {
      at: '15d 11:40',
      by: 'priya',
      health: Health.OFF_TRACK,
      title: 'Payments can be repeated safely, proof in progress',
      body: 'Every payment, refund and correction now carries its own key, kept by us and checked by the bank. We kill workers at random while a day of rides runs through, forty times so far: not one cent too many. We want two hundred runs before we call it fixed.',
      comments: [['14d 09:18', 'leila', 'Ninety-one runs this morning. Still not one cent.']],
    },
    {
      at: '10d 11:15',
      by: 'leila',
      health: Health.AT_RISK,
      title: 'Two hundred runs clean, second rehearsal on Wednesday',
      body: 'Two hundred and twelve runs, no difference. The second rehearsal covers a whole month with its closing, and finance sits with us. If the books agree, we set a date.',
      comments: [
        ['10d 11:33', 'uma', 'Support has the answers ready: what changes on the receipt, and what does not.'],
        ['9d 14:02', 'ada', 'Finance is looking forward to it. I did not expect to ever write that sentence.'],
      ],
    },
    {
      at: '5d 11:25',
      by: 'leila',
      health: Health.ON_TRACK,
      title: 'Month closed in four hours, to the cent',
      body: 'The second rehearsal closed a full month in four hours instead of three days, and every account agreed to the cent. The date for the switch is set: the night to the first of next month, with the old system kept warm for two weeks. We are back on track.',
      note: 'Three weeks later than the first plan and 28,000 above it, both within what the board granted us.',
      comments: [
        ['5d 11:31', 'priya', 'To the cent!'],
        ['5d 11:48', 'ada', 'Thank you, both of you. From off track to this in three weeks is remarkable.'],
        ['4d 09:02', 'uma', 'Can I have the new receipt as a picture for our help pages?'],
        ['4d 09:20', 'leila', 'In the folder, in four languages.'],
      ],
    },
    {
      at: '1d 11:05',
      by: 'priya',
      health: Health.ON_TRACK,
      title: 'Ready for the switch: run book rehearsed, way back tested',
      body: 'The run book has 31 steps, each with a name and a time next to it, and we walked through it twice. Going back takes eleven minutes and was tested with live traffic. Until the night of the switch nothing changes any more, except for translations.',
      comments: [
        ['1d 11:30', 'leila', 'Eleven minutes, with tea. I am calm.'],
        ['1d 13:15', 'ada', 'Go from my side.'],
      ],
    },
  ],
  chat: [
    ['33d 10:00', 'ada', 'Small circle here on purpose: figures in this project are not for forwarding.'],
    [
      '28d 15:45',
      'priya',
      'Found a tariff from 2016 that three riders still have. They pay 19 a year. We keep it, I assume?',
    ],
    ['28d 15:58', 'ada', 'We keep it. They earned it.'],
    ['17d 16:20', 'leila', 'The bank’s test environment is closed on Friday, plan around it please.'],
    ['3d 14:10', 'uma', 'Three riders asked whether prices change with the new receipts. I told them no.'],
    ['3d 14:15', 'leila', 'Exactly right.'],
  ],
};
