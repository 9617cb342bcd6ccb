import { literalsOfPath } from "@multimaster/data";

/**
 * What else somebody must be allowed to see who is to see a noun: what it is a part of, since whoever may not see builds
 * sees nothing of what lies in them, and what its objects show of others. Names alone, as in properties, show nothing.
 */
const needs: Readonly<Record<string, readonly string[]>> = {
  logchunks: ["logs"],
  contents: ["logs"],
  raw: ["logs"],
  raw_inline: ["logs"],
  logs: ["steps"],
  steps: ["builds"],
  triggered_builds: ["builds"],
  property_list: ["builds"],
  data: ["build_data"],
  build_data: ["builds"],
  results: ["test_result_sets"],
  test_results: ["test_result_sets"],
  test_result_sets: ["builds"],
  tests: ["test_result_sets", "builders"],
  runs: ["tests"],
  failing: ["tests"],
  flaky: ["tests"],
  slowest: ["tests"],
  test_runs: ["tests"],
  flaky_tests: ["tests"],
  buildsets: ["sourcestamps"],
  changes: ["sourcestamps"],
  schedulers: ["masters"],
  schedules: ["schedulers", "changes", "buildsets"],
  changesources: ["masters"],
  orders: ["masters"],
  stalls: ["masters", "builders", "steps"],
  members: ["masters", "orders", "stalls"],
  cluster: ["members", "builds", "buildrequests"],
  waiting: ["buildrequests", "builders", "workers", "masters", "builds"],
  waiting_builders: ["waiting"],
  waiting_changes: ["changes", "schedulers"],
  branches: ["codebases"],
  commits: ["codebases"],
  commit_range: ["codebases"],
  commits_by_revision: ["codebases"],
  worker: ["workers"],
};

/** Every noun that a path of the API shows something of, the last one first. Empty: there is no such path. */
export function nounsOfPath(path: readonly string[]): readonly string[] {
  return withNeeds([...(literalsOfPath(path) ?? [])].reverse());
}

/** The same for an event, `builders/1/builds/7/new`, or for a path to listen to; a `*` is decided by each event. */
export function nounsOfEvent(key: readonly string[]): readonly string[] {
  if (key[0] === "control") return withNeeds(["control", key[1] ?? ""]);
  return withNeeds(key.slice(0, -1).filter((word, i) => i % 2 === 0 && word !== "*"));
}

function withNeeds(words: readonly string[]): string[] {
  const found = new Set<string>();
  const add = (noun: string) => {
    if (noun === "" || found.has(noun)) return;
    found.add(noun);
    for (const other of needs[noun] ?? []) add(other);
  };
  for (const word of words) add(word);
  return [...found];
}

/** The noun that an action on this path is done with. */
export function nounOfTarget(path: readonly string[]): string | undefined {
  return literalsOfPath(path)?.at(-1);
}
