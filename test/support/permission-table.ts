// Generates docs/permissions.md: the result of every root field and every guarded field for each role, obtained by
// calling the policies with one simulated project. Parses the page as well, for the test that compares it with the
// service.
import { type GraphQLField, type GraphQLSchema, isObjectType } from 'graphql';
import { type Policy, policiesOf, type PolicyRequest } from '../../src/engine/access/policy.js';
import { type AccountRights, Role } from '../../src/engine/access/role.js';
import { ServiceError, UnauthenticatedError } from '../../src/engine/errors/service-error.js';
import { isCredential } from '../../src/engine/graphql/schema/field-rules.js';
import { ProjectRole } from '../../src/domain/projects/project-role.js';

/** A column: anonymous, or an account with a role and its membership in the project. */
export interface Standing {
  readonly label: string;
  readonly role?: Role;
  readonly membership?: ProjectRole;
}

export const STANDINGS: readonly Standing[] = [
  { label: 'anonymous' },
  ...Object.values(Role).flatMap((role) => [
    { label: role, role },
    ...Object.values(ProjectRole).map((membership) => ({ label: `${role}, ${membership}`, role, membership })),
  ]),
];

/** Letters for the error codes in cells. */
const LETTERS: Readonly<Record<string, string>> = { UNAUTHENTICATED: 'U', FORBIDDEN: 'F', NOT_FOUND: 'N' };
export const ALLOWED = '✓';

/** Cell for an error code; undefined: allowed. */
export function cellOf(code: string | undefined): string {
  return code === undefined ? ALLOWED : (LETTERS[code] ?? code);
}

export interface Row {
  /** Such as `Mutation.removeComment`, followed by `(own)` or `(of another)` if the results differ. */
  readonly field: string;
  /** As in the schema: `@projectRole(role: OWNER)`. */
  readonly rule: string;
  readonly over: 'both' | 'HTTP' | 'socket';
  /** In the order of {@link STANDINGS}. */
  readonly cells: readonly string[];
}

type Field = GraphQLField<unknown, unknown>;
const PROJECT = 'the project';
const SELF = 'who asks';
const OTHER = 'somebody else';

/** Rows for every root field and every guarded field of `schema`. */
export async function permissionsOf(schema: GraphQLSchema): Promise<Row[]> {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const others = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) && !roots.includes(type));
  const entrance = policiesOf(schema.getQueryType()?.getFields()['project']?.extensions);
  const rows: Row[] = [];
  for (const type of [...roots, ...others]) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields()).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      const policies = policiesOf(field.extensions);
      // Fields of a project's resources are reachable only through `project`, whose policies apply as well.
      const way = policies.some(({ byClass }) => byClass?.resourceOf) ? entrance : [];
      if (policies.length > 0) rows.push(...(await rowsOf(type.name, field, [...way, ...policies])));
    }
  }
  return rows;
}

/** `asked`: the policies of the field and of the fields on the path to it. */
async function rowsOf(typeName: string, field: Field, asked: readonly Policy[]): Promise<Row[]> {
  const policies = policiesOf(field.extensions);
  const cells = (about: string) => Promise.all(STANDINGS.map((one) => answer(asked, typeName, one, about)));
  const [own, foreign] = [await cells(SELF), await cells(OTHER)];
  const over = typeName === 'Subscription' ? 'socket' : isCredential(field.extensions) ? 'HTTP' : 'both';
  const row = { field: `${typeName}.${field.name}`, rule: policies.map(printed).join(' '), over } as const;
  if (own.join('') === foreign.join('')) return [{ ...row, cells: own }];
  return [
    { ...row, field: `${row.field} (own)`, cells: own },
    { ...row, field: `${row.field} (of another)`, cells: foreign },
  ];
}

/** Result of the policies when the project exists and contains a resource of the account `about`. */
async function answer(
  policies: readonly Policy[],
  typeName: string,
  { role, membership }: Standing,
  about: string,
): Promise<string> {
  const resources = new Map<string, string>(membership ? [[PROJECT, membership]] : []);
  const rights: AccountRights | undefined = role && { role, disabled: false, resources };
  const found = { id: PROJECT, projectId: PROJECT, authorId: about };
  const request = {
    context: {
      cookies: {},
      load: async () => found,
      em: { findOne: async () => found, count: async () => 1 },
      get viewer() {
        if (!rights) throw new UnauthenticatedError();
        return { accountId: SELF, rights };
      },
    },
    parent: typeName === 'Project' ? found : { ...found, id: about },
    args: { id: PROJECT, projectId: PROJECT, userId: about, input: { projectId: PROJECT } },
  } as unknown as PolicyRequest;
  try {
    for (const policy of policies) await policy.check(request);
    return ALLOWED;
  } catch (error) {
    if (error instanceof ServiceError) return cellOf(error.code);
    throw error;
  }
}

function printed({ directive, args }: Policy): string {
  const list = Object.entries(args).map(([name, value]) => `${name}: ${value}`);
  return `@${directive.name}${list.length > 0 ? `(${list.join(', ')})` : ''}`;
}

const PAGE = `# Permissions

Who may call what, generated from the policies in the code by \`npm run schema\`. A test walks all of it over HTTP and over WebSocket, with an
account for every column, and fails where the service answers otherwise. How rules are declared: [access.md](access.md).

- **Columns**: the role of the account, and what it is in the project; \`USER\` alone is no member of it.
- **Cells**: ${ALLOWED} allowed, **U** \`UNAUTHENTICATED\`, **F** \`FORBIDDEN\` (\`requires\` names the role of the rule), **N** \`NOT_FOUND\`, as for what
  does not exist. A guarded field that is refused is null, with that error at its path.
- **Over**: where the field can be used. Fields that take or give credentials are refused over a socket, subscriptions over HTTP. Without
  a sign-in there is no socket at all: it is closed with 4401.
- **own**, **of another**: the account, the membership, or the comment that it is about.
`;

const HEAD = ['Field', 'Rule', 'Over', ...STANDINGS.map(({ label }) => label)];

/** The page in Markdown, its table laid out as the formatter does. */
export function printPermissions(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map((row) => [`\`${row.field}\``, `\`${row.rule}\``, row.over, ...row.cells])];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const print = (line: readonly string[]) => `| ${line.map((cell, at) => cell.padEnd(widths[at]!)).join(' | ')} |`;
  const [head, ...body] = lines.map(print);
  return `${PAGE}\n${[head, print(widths.map((width) => '-'.repeat(width))), ...body].join('\n')}\n`;
}

/** Parses the rows of a generated page. */
export function readPermissions(page: string): Row[] {
  return page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [field, rule, over, ...cells] = line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim());
      return { field: field!.slice(1, -1), rule: rule!.slice(1, -1), over: over as Row['over'], cells };
    });
}
