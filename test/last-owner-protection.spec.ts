// Last-owner and last-admin protection: concurrent demotions, removals and promotions, made at the services directly.
import { MikroORM } from '@mikro-orm/postgresql';
import { AdministrationService } from '../src/engine/accounts/administration.service.js';
import { type ClientInfo, type Principal, Role } from '../src/engine/access/role.js';
import { Rights } from '../src/engine/access/rights.js';
import { ServiceError } from '../src/engine/errors/service-error.js';
import { ProjectMemberService } from '../src/domain/projects/project-member.service.js';
import { ProjectRole } from '../src/domain/projects/project-role.js';
import { INTERLEAVINGS } from './support/extent.js';
import { addMember, createProject, postUpdate } from './support/factories.js';
import { type Person, useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const RACES = INTERLEAVINGS;
/** Races that go on side by side. */
const AT_ONCE = 10;
const CLIENT: ClientInfo = { address: '::1', userAgent: undefined };
// Many wait for one lock at a time.
const tidings = useTidings(() => ({ env: { DATABASE_POOL_SIZE: '20' } }));
const memberships = () => tidings.current.app.get(ProjectMemberService);

/** Who asks, with the rights that this node knows of. */
async function principal({ id, sessionId }: Person): Promise<Principal> {
  const rights = (await tidings.current.app.get(Rights).of(id))!;
  return { accountId: id, sessionId, rights, transport: 'BODY', session: { ended: false }, tokenExpiresAt: Infinity };
}

/** The code of what was thrown, with its reason; `OK` for what was done. */
async function outcomeOf(act: Promise<unknown>): Promise<string> {
  try {
    await act;
    return 'OK';
  } catch (error) {
    if (!(error instanceof ServiceError)) throw error;
    return [error.extensions['code'], error.extensions['reason']].filter(Boolean).join(' ');
  }
}

describe('project writes under concurrency', () => {
  let one: Person;
  let two: Person;
  let admin: Person;
  let projectId: string;
  const twoOwners = async () => {
    const { id } = await createProject(one);
    await addMember(one, id, two, 'OWNER');
    return id;
  };
  beforeAll(async () => {
    [one, two] = [await tidings.current.asUser('EDITOR', 'One'), await tidings.current.asUser('EDITOR', 'Two')];
    admin = await tidings.current.asUser('ADMIN');
  });
  beforeEach(async () => {
    projectId = await twoOwners();
  });

  type Act = (by: Person, whom: Person, id?: string) => Promise<string>;
  const setTo =
    (role: ProjectRole): Act =>
    async (by, whom, id = projectId) =>
      outcomeOf(memberships().set(await principal(by), id, whom.id, role, CLIENT));
  const set = (by: Person, whom: Person, role: ProjectRole) => setTo(role)(by, whom);
  const remove: Act = async (by, whom, id = projectId) =>
    outcomeOf(memberships().remove(await principal(by), id, whom.id, CLIENT));
  const demote = setTo(ProjectRole.EDITOR);
  const self =
    (act: Act): Act =>
    (by, _whom, id) =>
      act(by, by, id);
  const members = (id = projectId): Promise<{ id: string; role: string }[]> =>
    tidings.current.database.query(
      'select account_id as id, role from project_member where project_id = $1 order by created_at',
      [id],
    );
  const owners = async (id = projectId) =>
    (await members(id)).filter(({ role }) => role === 'OWNER').map((member) => member.id);
  /** Two OWNERs again, without a word to anybody. */
  const restore = (id: string) =>
    tidings.current.database.query(
      `insert into project_member (id, project_id, account_id, role)
       select gen_random_uuid(), $1, account_id, 'OWNER' from unnest($2::uuid[]) as account_id
       on conflict on constraint project_member_pair do update set role = 'OWNER'`,
      [id, [one.id, two.id]],
    );
  /** `race` {@link RACES} times, each in one of a few projects. */
  const racing = (race: (id: string, at: number) => Promise<void>) =>
    Promise.all(
      Array.from({ length: AT_ONCE }, async (_, lane) => {
        const id = await twoOwners();
        for (let at = lane; at < RACES; at += AT_ONCE) {
          await race(id, Math.floor(at / AT_ONCE));
          await restore(id);
        }
      }),
    );

  it.each<[string, readonly [Act, Act][], RegExp]>([
    [
      'demote or remove each other',
      [
        [demote, demote],
        [remove, remove],
        [demote, remove],
      ],
      /^(FORBIDDEN|NOT_FOUND)$/,
    ],
    [
      'step down or leave',
      [
        [self(demote), self(demote)],
        [self(remove), self(remove)],
        [self(remove), self(demote)],
      ],
      /^CONFLICT LAST_OWNER$/,
    ],
  ])(`leave one OWNER after each of ${RACES} races of two who %s`, async (_what, pairs, late) => {
    await racing(async (id, at) => {
      const [first, second] = pairs[at % pairs.length]!;
      const outcomes = await Promise.all([first(one, two, id), second(two, one, id)]);
      expect(outcomes.filter((outcome) => outcome === 'OK')).toHaveLength(1);
      expect(outcomes.find((outcome) => outcome !== 'OK')).toMatch(late);
      expect(await owners(id)).toHaveLength(1);
    });
  });

  it(`cannot restore their own role in ${RACES} races with their removal or demotion`, async () => {
    await racing(async (id, at) => {
      const [down, up] = await Promise.all([
        (at % 2 ? demote : remove)(one, two, id),
        self(setTo(ProjectRole.OWNER))(two, one, id),
      ]);
      expect(down).toBe('OK');
      expect(up).toMatch(/^(OK|FORBIDDEN|NOT_FOUND)$/);
      expect(await owners(id)).toEqual([one.id]);
    });
  });

  it('authorize with the role at the time of the lock, not of the request', async () => {
    const { database } = tidings.current;
    for (const [change, undo] of [
      [
        `update project_member set role = 'VIEWER' where account_id = $1`,
        `update project_member set role = 'OWNER' where account_id = $1`,
      ],
      [`update account set role = 'USER' where id = $1`, `update account set role = 'EDITOR' where id = $1`],
      ['update account set disabled_at = now() where id = $1', 'update account set disabled_at = null where id = $1'],
    ] as const) {
      await database.query('begin');
      await database.query('select 1 from project where id = $1 for update', [projectId]);
      const acts = [set(two, two, ProjectRole.OWNER), set(two, admin, ProjectRole.VIEWER), remove(two, one)];
      await until(async () => (await database.waiting()) > 0, 'the requests wait');
      await database.query(change, [two.id]);
      await database.query('commit');
      for (const outcome of await Promise.all(acts)) expect(['FORBIDDEN', 'NOT_FOUND']).toContain(outcome);
      expect((await members()).map(({ id }) => id)).toEqual([one.id, two.id]);
      await database.query(undo, [two.id]);
    }
  });

  it('are refused after a removal or demotion that committed since the check', async () => {
    const { database } = tidings.current;
    const update = await postUpdate(two, projectId);
    const comment = 'mutation ($id: ID!) { postComment(input: { projectId: $id, body: "Hello" }) { id } }';
    const ownComment = async () => (await two.data(comment, { id: projectId })).postComment.id as string;
    const [edited, gone] = [await ownComment(), await ownComment()];
    const writes: readonly (readonly [string, string])[] = [
      ['editProject(id: $id, input: { name: "Taken" }) { id }', projectId],
      ['postUpdate(input: { projectId: $id, title: "Late", health: ON_TRACK }) { id }', projectId],
      ['editUpdate(id: $id, input: { title: "Late" }) { id }', update],
      ['postComment(input: { projectId: $id, body: "Late" }) { id }', projectId],
      ['removeUpdate(id: $id)', update],
      ['editComment(id: $id, input: { body: "Late" }) { id }', edited],
      ['removeComment(id: $id)', gone],
    ];
    const codesAfter = async (change: string) => {
      await database.query('begin');
      await database.query('select 1 from project where id = $1 for update', [projectId]);
      const acts = writes.map(([field, id]) => two.send(`mutation ($id: ID!) { ${field} }`, { id }));
      await until(async () => (await database.waiting()) >= writes.length, 'the requests wait');
      await database.query(change, [two.id]);
      await database.query('commit');
      const replies = await Promise.all(acts);
      await restore(projectId);
      return replies.map(({ errors }) => errors?.[0]?.extensions.code ?? 'OK');
    };
    const removed = await codesAfter('delete from project_member where account_id = $1');
    expect(removed).toEqual(writes.map(() => 'NOT_FOUND'));
    const demoted = await codesAfter(`update project_member set role = 'VIEWER' where account_id = $1`);
    expect(demoted).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN', 'OK', 'FORBIDDEN', 'OK', 'OK']);
  });

  it('are refused after a concurrent removal, under any number of writers', async () => {
    const { app, database } = tidings.current;
    const waiters = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    const waiting = (count: number) =>
      until(async () => (await database.query(waiters)).length >= count, `${count} were waiting`);
    const post = (title: string) =>
      two.send(
        `mutation ($id: ID!) { postUpdate(input: { projectId: $id, title: "${title}", health: ON_TRACK }) { id } }`,
        { id: projectId },
      );
    // Nobody who writes comes to an end, as if there were always somebody.
    const head = app.get(MikroORM).em.fork();
    await head.begin();
    await head.execute('select 1 from log_head for update');
    const before = post('Before');
    await waiting(1);
    const removal = remove(one, two);
    await waiting(2);
    const after = post('After');
    await waiting(3);
    await head.commit();
    expect(await removal).toBe('OK');
    expect((await before).errors).toBeUndefined();
    expect((await after).errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });

  it('do not leave a project to disabled OWNERs or OWNERs capped by their account role', async () => {
    const administration = tidings.current.app.get(AdministrationService);
    const by = { accountId: admin.id };
    const LAST = 'CONFLICT LAST_OWNER';
    const refused = async () => {
      expect(await remove(one, one)).toBe(LAST);
      expect(await set(one, one, ProjectRole.EDITOR)).toBe(LAST);
    };
    await administration.setDisabled(by, two.id, true);
    await refused();
    await administration.setDisabled(by, two.id, false);
    await administration.setRole(by, two.id, Role.USER);
    await refused();
    // They can be demoted, and whoever is OWNER whatever they are called can take the place.
    expect(await set(one, two, ProjectRole.VIEWER)).toBe('OK');
    await refused();
    expect(await set(one, admin, ProjectRole.OWNER)).toBe('OK');
    expect(await remove(one, one)).toBe('OK');
    expect(await owners()).toEqual([admin.id]);
    await administration.setRole(by, two.id, Role.EDITOR);
  });

  it('let ADMINs manage a project whose only OWNER is disabled', async () => {
    const administration = tidings.current.app.get(AdministrationService);
    await remove(one, two);
    await administration.setDisabled({ accountId: admin.id }, one.id, true);
    expect(await set(admin, two, ProjectRole.OWNER)).toBe('OK');
    expect(await remove(admin, one)).toBe('OK');
    await administration.setDisabled({ accountId: admin.id }, one.id, false);
  });
});

type AdminAct = (service: AdministrationService, by: string, whom: string) => Promise<unknown>;
const demoteAdmin: AdminAct = (service, by, whom) => service.setRole({ accountId: by }, whom, Role.EDITOR);
const disableAdmin: AdminAct = (service, by, whom) => service.setDisabled({ accountId: by }, whom, true);
const themselves =
  (act: AdminAct): AdminAct =>
  (service, by) =>
    act(service, by, by);

describe('administration under concurrency', () => {
  it('refuses an ADMIN who was demoted or disabled, before the instance has followed the log', async () => {
    const { database } = tidings.current;
    const person = await tidings.current.asUser('ADMIN');
    const { id } = await createProject(person);
    const acts: readonly (readonly [string, string])[] = [
      ['createProject(input: { key: "TOO-LATE", name: "Late" }) { id }', 'EDITOR'],
      [`deleteProject(id: "${id}")`, 'ADMIN'],
      ['announce(message: "Late") { id }', 'ADMIN'],
    ];
    for (const change of [`role = 'USER'`, 'disabled_at = now()']) {
      await database.query(`update account set ${change} where id = $1`, [person.id]);
      for (const [field, requires] of acts) {
        const { errors } = await person.send(`mutation { ${field} }`);
        expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', requires });
      }
      await database.query(`update account set role = 'ADMIN', disabled_at = null where id = $1`, [person.id]);
    }
    const late = await person.send('{ project(key: "TOO-LATE") { id } }');
    expect(late.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
    for (const [field] of acts) expect((await person.send(`mutation { ${field} }`)).errors).toBeUndefined();
  });

  it.each<[string, readonly [AdminAct, AdminAct][], RegExp]>([
    [
      'demote or disable each other',
      [
        [demoteAdmin, demoteAdmin],
        [disableAdmin, disableAdmin],
        [demoteAdmin, disableAdmin],
      ],
      /^FORBIDDEN$/,
    ],
    [
      'step down or disable themselves',
      [
        [themselves(demoteAdmin), themselves(demoteAdmin)],
        [themselves(disableAdmin), themselves(disableAdmin)],
        [themselves(disableAdmin), themselves(demoteAdmin)],
      ],
      /^CONFLICT LAST_ADMIN$/,
    ],
  ])(`leaves one enabled ADMIN after each of ${RACES} races of two who %s`, async (_what, pairs, late) => {
    const { app, database } = tidings.current;
    await database.query(`update account set role = 'USER' where role = 'ADMIN'`);
    const [{ id: one }, { id: two }] = [await tidings.current.asUser('ADMIN'), await tidings.current.asUser('ADMIN')];
    const administration = app.get(AdministrationService);
    for (let at = 0; at < RACES; at += 1) {
      const [first, second] = pairs[at % pairs.length]!;
      const outcomes = await Promise.all([
        outcomeOf(first(administration, one, two)),
        outcomeOf(second(administration, two, one)),
      ]);
      expect(outcomes.filter((outcome) => outcome === 'OK')).toHaveLength(1);
      expect(outcomes.find((outcome) => outcome !== 'OK')).toMatch(late);
      const left = await database.query(`select 1 from account where role = 'ADMIN' and disabled_at is null`);
      expect(left).toHaveLength(1);
      await database.query(`update account set role = 'ADMIN', disabled_at = null where id in ($1, $2)`, [one, two]);
    }
  });
});
