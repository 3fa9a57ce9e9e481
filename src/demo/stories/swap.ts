// SWAP: a project in trouble, told openly.
import { ProjectRole } from '../../domain/projects/project-role.js';
import { Health } from '../../domain/projects/health.js';
import type { ProjectStory } from '../story.js';

export const swap: ProjectStory = {
  key: 'SWAP',
  name: 'Battery swap network',
  description:
    'Twelve swap points where our crews exchange the batteries of e-bikes within a minute, so that no van has to carry them back to the depot. ' +
    'Aim: 40 % fewer van kilometres within the first year.',
  budget: 910_000,
  created: '35d 08:40',
  lead: 'tomas',
  members: [
    ['35d 08:45', 'leila', ProjectRole.EDITOR],
    ['35d 08:46', 'elias', ProjectRole.VIEWER],
    ['35d 08:47', 'uma', ProjectRole.VIEWER],
    ['34d 10:10', 'jonas', ProjectRole.VIEWER],
  ],
  updates: [
    {
      at: '31d 14:10',
      by: 'tomas',
      health: Health.ON_TRACK,
      title: 'Pilot at the depot: 52 seconds per swap',
      body: 'Three crews, 180 swaps, 52 seconds on average with gloves on. The cabinet holds 24 batteries and charges them overnight at the cheap rate. All twelve locations are under contract.',
      comments: [
        [
          '31d 14:55',
          'jonas',
          'It went down to 40 seconds once we turned the handle the other way round. Tell the supplier.',
        ],
      ],
    },
    {
      at: '26d 14:25',
      by: 'tomas',
      health: Health.ON_TRACK,
      title: 'First two cabinets on the street',
      body: 'Station square and the university are in service. Van kilometres in those two districts fell by a third in the first week, more than we had hoped for.',
      comments: [
        ['26d 15:30', 'leila', 'A third, in week one! That makes my spreadsheet look timid.'],
        ['25d 09:00', 'uma', 'Fewer riders report empty batteries around the university, too.'],
      ],
    },
    {
      at: '21d 14:05',
      by: 'tomas',
      health: Health.AT_RISK,
      title: 'Cabinets three to six are delayed by the supplier',
      body: 'The supplier cannot get the fire-rated locks in time and moves four cabinets by three weeks. We keep to twelve cabinets and change the order: the hill districts, where vans drive most, come first.',
      note: 'The contract has a penalty from week four on. I would not threaten with it yet; they are a small firm and they pick up the phone.',
      comments: [['20d 10:48', 'leila', 'I moved the budget for these four to the next month.']],
    },
    {
      at: '16d 14:40',
      by: 'leila',
      health: Health.AT_RISK,
      title: 'Second source for the locks found, test in progress',
      body: 'A maker of railway cabinets has locks with the same rating on the shelf. Two are mounted at the depot and survive the cold chamber at −20 °C so far. If the fire authority accepts them, we catch up ten days.',
      comments: [
        ['16d 15:05', 'elias', 'Do they speak the same protocol? Otherwise we need a firmware change.'],
        ['16d 15:19', 'tomas', 'They do, with another baud rate. Jonas has it running.'],
      ],
    },
    {
      at: '11d 14:15',
      by: 'tomas',
      health: Health.OFF_TRACK,
      title: 'Fire authority wants a new test of the whole cabinet',
      body: 'With other locks the cabinet counts as a new type, and its certificate is void. A full test takes six weeks at the earliest laboratory. That moves eight of the twelve cabinets by a quarter of a year, and our aim for the first year with them.',
      note: 'Cost so far 410,000. The test would add about 55,000. Stopping at four cabinets is an option that we should price honestly before anyone falls in love with the others.',
      comments: [
        ['11d 14:32', 'leila', 'Ouch. Thank you for saying it straight away.'],
        ['11d 15:10', 'ada', 'Agreed. Please bring three options to Thursday’s review: wait, test, or stop at four.'],
        ['10d 09:26', 'jonas', 'The four cabinets that we have still pay for themselves, whatever we decide.'],
      ],
    },
    {
      at: '6d 14:50',
      by: 'tomas',
      health: Health.OFF_TRACK,
      title: 'Three options priced, recommendation: test now',
      body: 'Waiting for the original locks costs sixteen weeks and no money. Testing the new ones costs eight weeks and 55,000, and leaves us with two sources for good. Stopping at four reaches about half of the savings. We recommend testing, and running the two busiest hill routes with a cargo bike until then.',
      note: 'Ada leans towards testing as well. Finance wants to see the savings of the first two cabinets over eight full weeks before they agree.',
      comments: [
        ['6d 15:20', 'ada', 'Clear and honest, that is how I like them. Decision on Monday.'],
        ['5d 08:58', 'uma', 'Riders on the hill ask every day. May I tell them that a cargo bike is coming?'],
        ['5d 09:15', 'tomas', 'From next Wednesday, yes.'],
      ],
    },
    {
      at: '1d 14:20',
      by: 'leila',
      health: Health.OFF_TRACK,
      title: 'Test is booked, cargo bike route runs',
      body: 'The decision is made: we test. The laboratory takes the cabinet next week and gives us a date for the report within the same week. The cargo bike exchanged 96 batteries on its first day, up the hill and all. We stay off track until the certificate is here, because the aim of the first year cannot be met without it.',
      note: 'If the laboratory finds nothing, cabinets five to eight could be up a month sooner. Please do not quote me on that outside of this note.',
      comments: [
        ['1d 14:36', 'tomas', 'Cabinet is packed. The lorry comes on Tuesday at seven.'],
        ['1d 15:02', 'elias', 'Ninety-six swaps by bike is something to tell at the next all-hands.'],
      ],
    },
  ],
  chat: [
    ['34d 11:15', 'tomas', 'Site visits are on Tuesdays. Bring gloves.'],
    [
      '24d 12:05',
      'jonas',
      'University cabinet: door was left open for two minutes last night, alarm worked, nothing missing.',
    ],
    [
      '13d 16:30',
      'leila',
      'Does anyone have the number of the fire authority’s second floor? The first one only forwards me.',
    ],
    ['13d 16:41', 'tomas', 'Sent you a message. Ask for Ms Aalto, she knows the file.'],
    ['4d 10:05', 'uma', 'Somebody wrote “thank you, battery people” on the cabinet at Station square. With a heart.'],
    ['4d 10:09', 'jonas', 'We leave that on.'],
  ],
};
