import { literalsOfPath, resources } from "@multimaster/data";

/** Nouns that must also be readable for each word of a path or topic, as the resources declare (`rights.needs`). */
const needs = collectNeeds();

function collectNeeds(): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map(resources.map(({ plural, rights }) => [plural, new Set(rights.needs)]));
  // Other words at the end of a path, such as `raw` of a log, belong to the noun before them.
  for (const { plural, paths } of resources)
    for (const { pattern } of paths) {
      const word = pattern.split("/").findLast((element) => !element.includes(":"));
      if (word === undefined || resources.some((resource) => resource.plural === word)) continue;
      found.set(word, (found.get(word) ?? new Set()).add(plural));
    }
  // Control messages use this word for a worker.
  return found.set("worker", new Set(["workers"]));
}

/** Every noun of which a path of the API shows data, the last one first. Empty if there is no such path. */
export function nounsOfPath(path: readonly string[]): readonly string[] {
  return withNeeds([...(literalsOfPath(path) ?? [])].reverse());
}

/** The same for an event, `builders/1/builds/7/new`, or for a subscription's path; for a `*`, each event decides. */
export function nounsOfEvent(key: readonly string[]): readonly string[] {
  if (key[0] === "control") return withNeeds(["control", key[1] ?? ""]);
  return withNeeds(key.slice(0, -1).filter((word, i) => i % 2 === 0 && word !== "*"));
}

function withNeeds(words: readonly string[]): string[] {
  const found = new Set<string>();
  const add = (noun: string) => {
    if (noun === "" || found.has(noun)) return;
    found.add(noun);
    for (const other of needs.get(noun) ?? []) add(other);
  };
  for (const word of words) add(word);
  return [...found];
}

/** The noun on which an action at this path is performed. */
export function nounOfTarget(path: readonly string[]): string | undefined {
  return literalsOfPath(path)?.at(-1);
}
