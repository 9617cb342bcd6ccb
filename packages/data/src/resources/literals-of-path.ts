import { createMatcher } from "../model/match-path.ts";
import { resources } from "./registry.ts";

const findMatch = createMatcher(resources);

/** Returns the words of a path that are not ids, and the noun that it leads to; undefined if there is no such path. */
export function literalsOfPath(parts: readonly string[]): readonly string[] | undefined {
  const found = findMatch(parts);
  if (!found) return undefined;
  const words = found.path.pattern.split("/").filter((element) => element !== "" && !element.includes(":"));
  return [...words, found.resource.plural];
}
