import type { Key, Pattern } from "@multimaster/bus";
import type { AnyResource } from "../../model/define-resource.ts";
import { createMatcher } from "../../model/match-path.ts";
import { resources } from "../../resources/registry.ts";

/** A kind of topic that events for browsers have: `builds/:buildid` and the event's name. */
export interface LiveTopic {
  /** The subscription of the bus, shared by all listeners to topics of this kind. */
  readonly shape: Pattern;
  /** What the events are about; undefined: the properties of a build. */
  readonly resource: AnyResource | undefined;
  /** Where in the key the id of the object is, if it is there. */
  readonly idAt: number;
}

/** The properties of a build are no resource of their own, but have a topic. */
const propertiesTopic: LiveTopic = { shape: ["builds", null, "properties", null], resource: undefined, idAt: 1 };

/** Every kind of topic: whatever browsers ask for, the router sees no other subscriptions for them. */
export const liveTopics: readonly LiveTopic[] = [
  ...resources.flatMap((resource) =>
    (resource.events?.topics ?? []).map((topic) => {
      const parts = topic.split("/");
      const shape = [...parts.map((part) => (part.startsWith(":") ? null : part)), null];
      return { shape, resource, idAt: parts.indexOf(`:${resource.id}`) };
    }),
  ),
  propertiesTopic,
];

/** The kinds of topics of which some can match the pattern. */
export function topicsOf(pattern: Pattern): readonly LiveTopic[] {
  return liveTopics.filter(
    ({ shape }) =>
      shape.length === pattern.length &&
      shape.every((part, i) => part === null || pattern[i] === null || pattern[i] === part),
  );
}

/** The kind of topic that a key is of. */
export function topicOf(key: Key): LiveTopic | undefined {
  return topicsOf(key)[0];
}

const longestStars = 8;

const findMatch = createMatcher(resources);

/**
 * Whether a client may listen to this path at all. Clients of Buildbot listen to all that they read: `X/*` if X is an
 * object, `X/*\/*` if it is a list. There may never be such an event, but the request is valid.
 */
export function isLivePath(pattern: Pattern): boolean {
  if (!pattern.every(isPart)) return false;
  if (topicsOf(pattern).length > 0) return true;
  // All topics of that many parts; there may be none.
  if (pattern.length <= longestStars && pattern.every((part) => part === null)) return true;
  return [-1, -2].some((end) => isApiPath(pattern.slice(0, end)));
}

/** Whether the API has such a path, `null` being any id. */
function isApiPath(pattern: Pattern): boolean {
  if (pattern.length === 0) return false;
  return ["1", "x"].some((id) => findMatch(pattern.map((part) => part ?? id)) !== undefined);
}

/** Whether this can be a part of a topic. */
export function isPart(part: string | null): boolean {
  return part === null || (part !== "" && !/[.#\s]/.test(part));
}
