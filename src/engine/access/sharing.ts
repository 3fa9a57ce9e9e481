// Declarations for executions that many viewers share. Closed by default: behind an undeclared field, policies about a resource
// cannot be decided for many viewers at once.
import { Extensions } from '@nestjs/graphql';

const SAME_RESOURCE_KEY = 'sameResource';
const VIEWER_KEY = 'viewerDependent';
const DELIVERY_KEY = 'deliveryArguments';

/**
 * The objects of this field belong to the resource of their parent; on a root field of `Subscription`, to the resource of the event.
 * Policies rely on it and verify it at run time.
 */
export function SameResource(): MethodDecorator & PropertyDecorator {
  return Extensions({ [SAME_RESOURCE_KEY]: true });
}

/** The field depends on the viewer. Documents that select it are executed per viewer. */
export function ViewerDependent(): MethodDecorator & PropertyDecorator {
  return Extensions({ [VIEWER_KEY]: true });
}

/**
 * Arguments of a root field of `Subscription` that select events but do not change payloads: operations that differ only in them
 * share executions. They must be optional.
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
