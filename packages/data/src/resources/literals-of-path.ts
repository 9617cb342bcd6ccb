import { createMatcher } from "../model/match-path.ts";
import { resources } from "./registry.ts";

const findMatch = createMatcher(resources);

/** What a path is about: the words of it that are no ids, and the noun that it gives. Undefined: there is no such path. */
export function literalsOfPath(parts: readonly string[]): readonly string[] | undefined {
  const found = findMatch(parts);
  if (!found) return undefined;
  const words = found.path.pattern.split("/").filter((element) => element !== "" && !element.includes(":"));
  return [...words, found.resource.plural];
}
