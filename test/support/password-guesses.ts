// Sign-ins with wrong passwords, for the tests of rate limits.
import type { OperationContext } from '../../src/engine/access/operation-context.js';
import { SignInLimits } from '../../src/engine/sessions/sign-in-limits.js';
import type { TestTidings } from './tidings.js';

/** E-mail addresses of accounts whose password hashes are cheap to verify and which have never signed in. */
export async function manyAccounts(node: TestTidings): Promise<(at: number) => string> {
  const { id } = await node.asUser();
  const rows = await node.database.query<{ email: string }>(
    `insert into account (id, email, name, role, password_hash)
     select gen_random_uuid(), gen_random_uuid() || '@example.com', 'One of many', 'USER', password_hash
       from account, generate_series(1, 20) where account.id = $1 returning email`,
    [id],
  );
  return (at) => rows[at % rows.length]!.email;
}

/** Records 98 failed sign-ins from `address`, two below the limit, directly at the limiter: faster than by requests. */
export async function almostExhaust(address: string, node: TestTidings): Promise<void> {
  const email = await manyAccounts(node);
  const context = { client: { address } } as OperationContext;
  const limits = node.app.get(SignInLimits);
  for (let at = 0; at < 98; at += 1) await limits.take('login', context, { input: { email: email(at) } });
}
