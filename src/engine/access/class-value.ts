// Values that follow from an account's rights and one resource alone, such as its role there: everyone of a permission class is shown
// the same, so payloads that have them stay shared.
import { Extensions } from '@nestjs/graphql';
import type { AccountRights } from './role.js';

export interface ClassValue {
  /** Pure. */
  readonly of: (rights: AccountRights, resourceId: string) => string | undefined;
}

const VALUE_KEY = 'classValue';

/** The field shows `value`, by `OperationContext.classValue`: viewers for whom it differs are of different classes. */
export function ShowsClassValue(value: ClassValue): MethodDecorator & PropertyDecorator {
  return Extensions({ [VALUE_KEY]: value });
}

export function classValueOf(extensions: Readonly<Record<string, unknown>> | undefined): ClassValue | undefined {
  return extensions?.[VALUE_KEY] as ClassValue | undefined;
}
