import type { Key, Pattern } from "@multimaster/bus";
import type { AnyResource } from "../../model/define-resource.ts";
import { createMatcher } from "../../model/match-path.ts";
import { resources } from "../../resources/registry.ts";

/** A kind of topic that events for browsers have: `builds/:buildid` and the event's name. */
export interface LiveTopic {
  /** What is subscribed to at the bus, once for all who listen to anything of this kind. */
  readonly shape: Pattern;
  /** What the events are about; undefined: the properties of a build. */
  readonly resource: AnyResource | undefined;
  /** Where in the key the id of the object is, if it is there. */
  readonly idAt: number;
}

/** The properties of a build are no resource of their own, but have a topic. */
const propertiesTopic: LiveTopic = { shape: ["builds", null, "properties", null], resource: undefined, idAt: 1 };

/** Every kind of topic there is: whatever browsers ask for, a router sees no other subscriptions of theirs. */
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
 * Whether somebody may ask to listen to this path at all. Clients of Buildbot listen to whatever they read: `X/*` where X is an
 * object, `X/*\/*` where it is a list. Of those there may never be an event, but they are no nonsense.
 */
export function isLivePath(pattern: Pattern): boolean {
  if (!pattern.every(isPart)) return false;
  if (topicsOf(pattern).length > 0) return true;
  // Everything of so many parts, of which there may be nothing.
  if (pattern.length <= longestStars && pattern.every((part) => part === null)) return true;
  return [-1, -2].some((end) => isApiPath(pattern.slice(0, end)));
}

/** Whether the API has such a path, `null` being any id. */
function isApiPath(pattern: Pattern): boolean {
  if (pattern.length === 0) return false;
  return ["1", "x"].some((id) => findMatch(pattern.map((part) => part ?? id)) !== undefined);
}

/** No topic has another kind of part. */
export function isPart(part: string | null): boolean {
  return part === null || (part !== "" && !/[.#\s]/.test(part));
}
