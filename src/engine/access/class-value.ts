// Values that depend only on an account's rights and one resource, such as its role there. They are equal within a permission class,
// so payloads that contain them stay shared.
import { Extensions } from '@nestjs/graphql';
import type { AccountRights } from './role.js';

export interface ClassValue {
  /** Pure. */
  readonly of: (rights: AccountRights, resourceId: string) => string | undefined;
}

const VALUE_KEY = 'classValue';

/** The field shows `value` through `OperationContext.classValue`: viewers with different values are in different classes. */
export function ShowsClassValue(value: ClassValue): MethodDecorator & PropertyDecorator {
  return Extensions({ [VALUE_KEY]: value });
}

export function classValueOf(extensions: Readonly<Record<string, unknown>> | undefined): ClassValue | undefined {
  return extensions?.[VALUE_KEY] as ClassValue | undefined;
}
