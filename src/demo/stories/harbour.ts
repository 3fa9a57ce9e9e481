// HARBOUR: a project that goes well, with one scare behind it.
import { ProjectRole } from '../../domain/projects/project-role.js';
import { Health } from '../../domain/projects/health.js';
import type { ProjectStory } from '../story.js';

export const harbour: ProjectStory = {
  key: 'HARBOUR',
  name: 'Harbour district docks',
  description:
    'Forty-two docking stations along the waterfront, from the ferry terminal to the old shipyard, open with the first boat of the new ferry timetable. ' +
    'The city pays for the groundwork; we pay for stations, bikes and the grid connection.',
  budget: 1_280_000,
  created: '37d 09:05',
  lead: 'maya',
  members: [
    ['37d 09:12', 'tomas', ProjectRole.EDITOR],
    ['37d 09:13', 'elias', ProjectRole.EDITOR],
    ['36d 14:20', 'sam', ProjectRole.VIEWER],
    ['36d 14:21', 'jonas', ProjectRole.VIEWER],
  ],
  updates: [
    {
      at: '33d 15:40',
      by: 'maya',
      health: Health.ON_TRACK,
      title: 'Permits for the first 18 stations are in',
      body: 'The city signed off the whole eastern quay in one go, two weeks earlier than we had planned for. Groundwork starts on Monday at the ferry terminal. The remaining 24 applications went out today.',
      note: 'The permit office hinted that the shipyard end needs a heritage review. Not in the plan yet; I keep three weeks of slack for it.',
      comments: [
        ['33d 16:02', 'tomas', 'Two weeks early! I will move the crane booking forward while we still can.'],
        ['32d 09:14', 'sam', 'Riders already ask when the ferry terminal opens. Can I say “with the new timetable”?'],
        ['32d 09:31', 'maya', 'Yes, that is safe. No dates, please.'],
      ],
    },
    {
      at: '28d 16:05',
      by: 'tomas',
      health: Health.ON_TRACK,
      title: 'Six foundations poured, grid connection agreed',
      body: 'All six foundations at the ferry terminal are curing and passed the load test. The network operator confirmed 3 × 63 A at both feed-in points, so no station has to run from batteries.',
      comments: [['27d 08:50', 'elias', 'Great news on the grid. That saves us the whole fallback firmware.']],
    },
    {
      at: '23d 14:30',
      by: 'maya',
      health: Health.AT_RISK,
      title: 'Shipyard stations need a heritage review',
      body: 'Nine of the 42 stations stand within the protected shipyard. The review board meets once a month, and its next date is after our opening. We are asking for an extraordinary session, and are drawing a variant that moves four stations across the street.',
      note: 'If both fail we open with 33 stations. The contract with the city allows that without a penalty, but the councillor would have to hear it from us, not from the paper.',
      comments: [
        [
          '23d 15:11',
          'jonas',
          'I can bring photographs of how the racks look next to the brick halls in Gothenburg. They liked those last time.',
        ],
        ['23d 15:26', 'maya', 'Please do, that is exactly what the board asks for.'],
        [
          '22d 10:03',
          'tomas',
          'The variant across the street costs two parking bays, nothing else. Drawings are in the folder.',
        ],
      ],
    },
    {
      at: '18d 16:20',
      by: 'maya',
      health: Health.AT_RISK,
      title: 'Heritage board agrees to an extra session',
      body: 'The board meets next Thursday, just for us. They want matte grey instead of our blue for the shipyard stations, which the supplier can do at no extra cost. Everything outside the shipyard is ahead of plan: 14 stations stand, 9 of them are live in test.',
      comments: [['17d 09:45', 'sam', 'Matte grey looks rather good, to be honest.']],
    },
    {
      at: '13d 15:15',
      by: 'maya',
      health: Health.ON_TRACK,
      title: 'Shipyard approved, all 42 stations go ahead',
      body: 'Approved without a dissenting vote. The four stations across the street stay in the plan as it was drawn, because they turned out to be closer to the tram stop. We are back on the original opening date.',
      note: 'I released two of the three weeks of slack. One stays for commissioning.',
      comments: [
        ['13d 15:22', 'tomas', 'Wonderful. Crane is booked for the 20th.'],
        ['13d 15:48', 'jonas', 'Cake in the workshop at four!'],
      ],
    },
    {
      at: '8d 16:45',
      by: 'elias',
      health: Health.ON_TRACK,
      title: '26 stations live, docking takes 1.1 seconds',
      body: 'Twenty-six stations report to the control room. Docking takes 1.1 seconds from contact to the green light, down from 2.4 with the old controllers. One station lost its uplink in the storm and came back by itself after four minutes, with every return booked correctly.',
      comments: [
        ['7d 09:20', 'maya', 'Four minutes offline and nothing lost: that was the point of buying these.'],
        ['7d 11:02', 'sam', 'Not one call about it at the support desk.'],
      ],
    },
    {
      at: '3d 15:30',
      by: 'maya',
      health: Health.ON_TRACK,
      title: '35 of 42 stations live, opening day confirmed',
      body: 'The last seven foundations were poured this week and need five more days to cure. The ferry company put us on their new timetable, with the opening day printed next to the first boat. Remaining work: signage, commissioning, and a bench that the city wants moved by half a metre.',
      note: 'We will finish about 40,000 under budget. I suggest spending it on a second service van rather than giving it back.',
      comments: [
        ['3d 15:52', 'tomas', 'The bench is moved. Half a metre, measured twice.'],
        ['2d 09:10', 'elias', 'Control room shows all 35 green since yesterday morning.'],
        ['2d 13:37', 'jonas', 'First boat it is. I will be there with the camera.'],
      ],
    },
  ],
  chat: [
    ['36d 15:00', 'maya', 'Welcome, everyone. One update a week, everything else in here.'],
    ['25d 10:12', 'jonas', 'Who holds the keys to the site container at the ferry terminal?'],
    ['25d 10:19', 'tomas', 'I do, and there is a spare one at the front desk.'],
    ['10d 11:40', 'sam', 'A rider returned a bike to a station that is still wrapped in foil. It worked.'],
    ['10d 11:46', 'elias', 'Ha. Test stations accept returns on purpose; I will put up a sign anyway.'],
    [
      '1d 10:25',
      'maya',
      'Ferry company sends two photographers on opening day. Please keep the racks at the terminal full.',
    ],
  ],
};
