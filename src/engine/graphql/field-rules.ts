// Rules of a field beside its policies: the shape of its arguments, and whether it deals in credentials.
import { Extensions } from '@nestjs/graphql';
import type { ZodType } from 'zod';

const INPUT_KEY = 'input';
const CREDENTIAL_KEY = 'credential';

/** Arguments must satisfy `schema`, and reach the resolver as it returns them. Checked before anything else. */
export function Input(schema: ZodType): MethodDecorator {
  return Extensions({ [INPUT_KEY]: schema });
}

/** The only root field of its operation, over HTTP alone: it takes or gives credentials. */
export function Credential(): MethodDecorator {
  return Extensions({ [CREDENTIAL_KEY]: true });
}

type FieldExtensions = Readonly<Record<string, unknown>> | undefined;

export function inputSchemaOf(extensions: FieldExtensions): ZodType | undefined {
  return extensions?.[INPUT_KEY] as ZodType | undefined;
}

export function isCredential(extensions: FieldExtensions): boolean {
  return extensions?.[CREDENTIAL_KEY] === true;
}
