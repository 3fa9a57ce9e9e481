// Internal errors: clients receive only an errorId, the log has the details, and the service continues.
import { createProject, postUpdate } from './support/factories.js';
import { useTidings } from './support/tidings.js';
import { until } from './support/wait.js';

const tidings = useTidings();
const CUT =
  'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';

describe('an unexpected error', () => {
  const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

  it('shows only an errorId, under which the log has the details', async () => {
    const editor = await tidings.current.asUser('EDITOR');
    const project = await createProject(editor);
    await postUpdate(editor, project.id);
    await tidings.current.database.query('alter table project_update rename column body to gone');
    try {
      const operations = [
        ['query ($id: ID!) { project(id: $id) { name updates { nodes { body } } } }', { id: project.id }],
        [
          'mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }',
          { input: { projectId: project.id, title: 'Private words', health: 'AT_RISK' } },
        ],
      ] as const;
      for (const [query, variables] of operations) {
        tidings.current.logged.length = 0;
        const { message, extensions } = await editor.error(query, variables);
        expect({ message, extensions }).toEqual({
          message: 'Something went wrong on our side.',
          extensions: { code: 'INTERNAL_SERVER_ERROR', errorId: expect.stringMatching(UUID) },
        });
        expect(tidings.current.logged).toHaveLength(1);
        expect(tidings.current.logged[0]).toContain(extensions['errorId']);
        expect(tidings.current.logged[0]).toMatch(/body|gone/);
        expect(tidings.current.logged[0]).toMatch(/\n\s+at /);
      }
    } finally {
      await tidings.current.database.query('alter table project_update rename column gone to body');
    }
    tidings.current.logged.length = 0;
    expect(await postUpdate(editor, project.id)).toBeTruthy();
    expect(tidings.current.logged).toEqual([]);
  });

  it('logs no password hash and no token', async () => {
    await tidings.current.database.query('alter table account rename column name to gone');
    tidings.current.logged.length = 0;
    try {
      const input = { name: 'Private name', email: 'private@example.com', password: 'private-password' };
      const error = await tidings.current.anonymous.error(
        'mutation ($input: RegisterInput!) { register(input: $input) { accessToken } }',
        { input },
      );
      expect(error.extensions.code).toBe('INTERNAL_SERVER_ERROR');
    } finally {
      await tidings.current.database.query('alter table account rename column gone to name');
    }
    expect(tidings.current.logged).toHaveLength(1);
    expect(tidings.current.logged[0]).not.toMatch(/argon2|private-password|\$v=/);
  });
});

describe('PostgreSQL that terminates every connection', () => {
  it('during requests causes valid replies only, and recovers', async () => {
    const editor = await tidings.current.asUser('EDITOR');
    const project = await createProject(editor);
    tidings.current.logged.length = 0;
    const outcomes: string[] = [];
    const running = { now: true };
    const ask = async (work: () => ReturnType<typeof editor.send>) => {
      while (running.now) {
        const { errors, status, data } = await work();
        outcomes.push(
          errors?.map(({ extensions }) => extensions.code).join() ?? (data ? 'OK' : `nothing with ${status}`),
        );
      }
    };
    let n = 0;
    const clients = [1, 2, 3, 4].flatMap(() => [
      ask(() =>
        editor.send(
          'query ($id: ID!) { project(id: $id) { name members { nodes { user { name } } } updates { nodes { title author { name } } } } }',
          { id: project.id },
        ),
      ),
      ask(() =>
        editor.send('mutation ($input: PostUpdateInput!) { postUpdate(input: $input) { id } }', {
          input: { projectId: project.id, title: `Cut ${(n += 1)}`, health: 'ON_TRACK' },
        }),
      ),
    ]);
    for (let cut = 0; cut < 8; cut += 1) {
      const before = outcomes.length;
      await until(() => outcomes.length > before + 20, 'twenty more answers came');
      await tidings.current.database.query(CUT);
    }
    running.now = false;
    await Promise.all(clients);
    expect(tidings.current.logged.filter((line) => line.includes('Unexpected error'))).toEqual([]);
    expect([...new Set(outcomes)].toSorted()).toEqual(['OK', 'SERVICE_UNAVAILABLE']);
    await until(async () => !(await editor.send('{ me { id } }')).errors, 'the service answered again');
    const [row] = await tidings.current.database.query<{ seqs: number; last: number; rows: number; posted: number }>(
      `select count(*)::int seqs, max(seq)::int last, (select count(*)::int from project_update where project_id = $1) as rows,
              count(*) filter (where kind = 'UPDATE_POSTED')::int posted from event where resource_id = $1`,
      [project.id],
    );
    expect(row).toMatchObject({ seqs: row!.last, posted: row!.rows });
  });
});
