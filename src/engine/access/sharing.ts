// What fields say about executions that many viewers share. Closed by default: a field that says nothing leads out of the
// resource of its event, where no policy about a resource is decided for many at once.
import { Extensions } from '@nestjs/graphql';

const SAME_RESOURCE_KEY = 'sameResource';
const VIEWER_KEY = 'viewerDependent';
const DELIVERY_KEY = 'deliveryArguments';

/**
 * The objects in this field belong to the resource that the field's own object belongs to; on a root field of
 * `Subscription`: to the resource of the event. Policies rely on it, and look at run time whether it is true.
 */
export function SameResource(): MethodDecorator & PropertyDecorator {
  return Extensions({ [SAME_RESOURCE_KEY]: true });
}

/** The field looks at who is asking. Documents that select it are executed for each viewer. */
export function ViewerDependent(): MethodDecorator & PropertyDecorator {
  return Extensions({ [VIEWER_KEY]: true });
}

/**
 * Arguments of a root field of `Subscription` that say which events are given and from where, never how one is shown:
 * operations that differ in them alone share executions. They must not be required.
 */
export function DeliveryArguments(...names: readonly string[]): MethodDecorator {
  return Extensions({ [DELIVERY_KEY]: names });
}

type FieldExtensions = Readonly<Record<string, unknown>> | undefined;

export function isSameResource(extensions: FieldExtensions): boolean {
  return extensions?.[SAME_RESOURCE_KEY] === true;
}

export function isViewerDependent(extensions: FieldExtensions): boolean {
  return extensions?.[VIEWER_KEY] === true;
}

export function deliveryArgumentsOf(extensions: FieldExtensions): readonly string[] {
  return (extensions?.[DELIVERY_KEY] as readonly string[] | undefined) ?? [];
}
