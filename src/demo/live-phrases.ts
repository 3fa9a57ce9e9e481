// The building blocks of what the live demo says. {subject} is a part of the project, {Subject} the same at the start of a
// sentence, {n} and {m} small numbers, {p} a percentage, {day} a day to come, {name} the first name of who is answered.

/** Parts of the demo's projects, by key; a project of somebody else's making is spoken of in general. */
export const SUBJECTS: Readonly<Record<string, readonly string[]>> = {
  HARBOUR: [
    'the ferry terminal',
    'the eastern quay',
    'the shipyard section',
    'the grid connection',
    'signage',
    'commissioning',
    'the tram stop station',
    'the control room',
  ],
  RIDER: [
    'unlocking',
    'the offline map',
    'the group ride screen',
    'the payment sheet',
    'the reservation timer',
    'push messaging',
    'the store release',
    'the beta channel',
  ],
  SWAP: [
    'the laboratory test',
    'the cargo bike route',
    'cabinet five',
    'the new lock',
    'the hill district',
    'overnight charging',
    'the depot',
    'crew training',
  ],
  BILLING: [
    'the month’s closing',
    'the new receipt',
    'the day pass',
    'the refund flow',
    'the run book',
    'the bank interface',
    'the old tariff list',
    'the parallel run',
  ],
};

export const GENERAL_SUBJECTS: readonly string[] = [
  'the schedule',
  'testing',
  'documentation',
  'the supplier',
  'the next milestone',
  'the review',
  'onboarding',
  'the budget',
];

/** What titles say after the subject, by health. */
export const TITLES = {
  ON_TRACK: [
    'ahead of plan',
    'another step done',
    'tested and accepted',
    'all checks green',
    '{n} of {n} items closed',
    'ready for the next step',
    'quiet week, good numbers',
    'faster than we thought',
    '{p} % done',
    '{n} days to spare',
    '{m} checks, no findings',
    'the last of {m} points settled',
  ],
  AT_RISK: [
    'slower than planned',
    'waiting for an answer',
    '{n} open points',
    'needs a decision by {day}',
    'one surprise, one workaround',
    'slack is used up',
    'short of people until {day}',
    'retest needed',
    '{m} % done, {p} % planned',
    '{n} of {m} checks repeated',
    'answer expected on {day}',
    '{n} days of slack left',
  ],
  OFF_TRACK: [
    'blocked',
    'moved by {n} days',
    'failed its check, cause known',
    'no date before {day}',
    'stopped to get it right',
    'needs another plan',
    '{n} findings, one of them serious',
    'waits on a part',
    '{n} days behind',
    'new date on {day}',
    '{n} of {m} checks failed',
    'help needed before {day}',
  ],
} as const;

/** First sentences of a body, by health. */
export const OPENINGS = {
  ON_TRACK: [
    '{Subject} went as planned, with a day to spare.',
    'We finished {subject} this morning and found nothing that holds us up.',
    'Good progress on {subject}: {p} % done, up from {m} % last time.',
    'The check of {subject} passed at the first attempt.',
    '{Subject} is in daily use since yesterday, without a single complaint.',
    'Everything around {subject} is where it should be.',
    'The team closed {n} tasks on {subject}, and opened one.',
  ],
  AT_RISK: [
    '{Subject} takes longer than we thought: {m} % done where the plan says {p} %.',
    'We still wait for an answer about {subject}, and cannot go on without it for long.',
    'Two of {m} checks of {subject} have to be repeated.',
    'Our slack for {subject} is down to {n} days.',
    'A delivery for {subject} came incomplete; the rest is promised for {day}.',
    '{Subject} depends on a person who is ill. Get well soon!',
    'The numbers of {subject} are fine, their trend is not.',
  ],
  OFF_TRACK: [
    '{Subject} is blocked, and there is no way around it before {day}.',
    'We stopped work on {subject} to find the cause instead of treating the symptom.',
    'The plan for {subject} does not hold: we are {n} days behind it.',
    '{Subject} failed its acceptance with {n} findings.',
    'A part for {subject} is not available this month, from anybody.',
    'What we assumed about {subject} turned out to be wrong.',
    'We cannot keep the date for {subject}, and rather say so today than on {day}.',
  ],
} as const;

/** Said when the health differs from that of the update before. */
export const TURNS = {
  better: [
    'That is better than last time, and it should last.',
    'The worst is behind us.',
    'With that one risk less is on our list.',
    'We feel safe to raise the health again.',
    'Thanks to everyone who stayed late for this.',
  ],
  worse: [
    'We lower the health until this is settled.',
    'It is no drama yet, but you should know.',
    'We prefer to show this early.',
    'A plan to get back follows by {day}.',
    'Help is welcome, see the chat.',
  ],
} as const;

export const DETAILS: readonly string[] = [
  'Measured over {n} days, the median is {p} % of what we allow.',
  '{n} people from two teams worked on it together.',
  'The list of open points is down to {n}.',
  'Of {p} samples {n} were looked at by hand.',
  'Cost so far stays within {n} % of the estimate.',
  'The walk-through took {m} minutes and raised {n} questions, all of them answered.',
  'We wrote it down, so that the next team needs {n} hours less.',
  'Three of our riders tried it and found {n} things that we had not seen.',
  'It also settles a matter that has been open for {n} weeks.',
  'Photographs and figures are in the project’s folder.',
  'The rehearsal ran {n} times, with the same result each time.',
];

export const NEXT_STEPS: readonly string[] = [
  'Next: {subject}, by {day}.',
  'On {day} we look at {subject} together.',
  'From here on {subject} is what decides the date.',
  'The next {n} days belong to {subject}.',
  'We will report on {subject} on {day}.',
  'If nothing comes in between, {subject} is done by {day}.',
  'Until {day} nobody needs to do anything.',
  'We meet about {subject} on {day} at {n} o’clock.',
  'One decision is needed before {day}; the options are in the folder.',
];

export const NOTES: readonly string[] = [
  'Not for outside yet: we may save about {p},000 on {subject}.',
  'If {subject} slips again, I would ask for {n} more days and not for more people.',
  'The supplier has been told about {subject} in plain words.',
  'My honest estimate for {subject}: {p} % that {day} holds.',
  'Please do not promise {subject} to anyone before {day}.',
];

/** Answers to an update, by its health: first half. */
export const REACTIONS = {
  ON_TRACK: [
    'Great to hear!',
    'Very nice, {name}.',
    'That was quick.',
    'Thank you, {name}, just what we hoped for.',
    'Good news for the support desk.',
    'Well done, all of you.',
    'I had not expected that before {day}.',
  ],
  AT_RISK: [
    'Thanks for the early word, {name}.',
    'Understood.',
    'Hm, I was afraid of that.',
    'Good that you say so now.',
    'I see. It happens.',
    'Thank you, {name}, that is clear.',
    'We have seen worse.',
  ],
  OFF_TRACK: [
    'Thank you for being open about it.',
    'Ouch.',
    'That hurts, but it is the right call.',
    'Sorry to hear that, {name}.',
    'Not what I wanted to read, and well explained.',
    'All right, let us sort it out.',
    'I appreciate the honesty, {name}.',
  ],
} as const;

/** Second half. */
export const FOLLOW_UPS: readonly string[] = [
  'Is {subject} affected as well?',
  'I can take over {n} of the open points.',
  'Shall I tell the riders anything about {subject}?',
  'Let me know if I can help with {subject}.',
  'I will look at {subject} before {day}.',
  'Could you add a figure for {subject} next time?',
  'That makes {subject} easier to plan.',
  'Does {day} still work for the review?',
  'I have put {n} more figures about {subject} into the folder.',
  'Two riders asked me about {subject} only today.',
  'Count me in on {day}.',
  'I will pass it on in the stand-up.',
];

export const CHAT: readonly string[] = [
  'Anyone free at {n} o’clock to look at {subject} with me?',
  'I moved our meeting about {subject} to {day}.',
  '{n} new questions about {subject} at the support desk today, all of them answered.',
  'Found a typo in the plan for {subject}, and {n} more in the legend. All corrected.',
  'Who has the latest figures of {subject}? Mine are {n} days old.',
  'Visitors on {day}. They will want to hear about {subject}, {m} minutes at most.',
  'Does anyone mind if {subject} comes first at the review on {day}?',
  'Reminder: the list for {subject} closes on {day}.',
  'There are {n} slices of cake left next to the printer. This concerns {subject} only loosely.',
  'I am out on {day}; ask me about {subject} before that.',
  'Back from the site visit. {Subject} is in better shape than I remembered, and we have {n} new contacts.',
  'A rider wrote {n} pages of praise about {subject}. Framed them.',
  'The page about {subject} took {m} seconds to load from my sofa. Is that just me?',
  'We had {p} visits to the page about {subject} since this morning.',
  'Coffee machine: broken. {Subject}: not broken. Priorities, please.',
];

export const ADDENDA: readonly string[] = [
  '{subject} is confirmed for {day}.',
  'the figure above should read {p} %, not {m} %.',
  'the answer about {subject} came in, {n} minutes after this was posted.',
  '{n} more samples were checked, with the same result.',
  'the folder holds the details about {subject} now.',
  'the date of the review is {day}.',
];

export const DAYS: readonly string[] = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'];
