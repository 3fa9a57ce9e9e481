// Finds the event in a result.
import type { Json } from './document.js';

/** The event in the data of a subscription that selects `cursor`. */
export const eventOf = (data: Json): Json =>
  Object.values(data ?? {}).find((value: Json) => typeof value?.cursor === 'string');
