import { literalsOfPath } from "@multimaster/data";

/** What a noun is a part of: whoever may not see builds sees nothing of what lies in them. */
const partOf: Readonly<Record<string, string>> = {
  logchunks: "logs",
  contents: "logs",
  raw: "logs",
  raw_inline: "logs",
  logs: "steps",
  steps: "builds",
  triggered_builds: "builds",
  property_list: "builds",
  data: "build_data",
  build_data: "builds",
  results: "test_result_sets",
  test_results: "test_result_sets",
  test_result_sets: "builds",
  tests: "test_result_sets",
  runs: "tests",
  failing: "tests",
  flaky: "tests",
  slowest: "tests",
  test_runs: "tests",
  flaky_tests: "tests",
  orders: "masters",
  cluster: "masters",
  members: "masters",
  stalls: "masters",
  schedules: "schedulers",
  waiting: "buildrequests",
  waiting_builders: "buildrequests",
  waiting_changes: "changes",
  branches: "codebases",
  commits: "codebases",
  commit_range: "codebases",
  commits_by_revision: "codebases",
  worker: "workers",
};

/** Every noun that a path of the API shows something of, the last one first. Empty: there is no such path. */
export function nounsOfPath(path: readonly string[]): readonly string[] {
  return withWholes([...(literalsOfPath(path) ?? [])].reverse());
}

/** The same for an event, `builders/1/builds/7/new`, or for a path to listen to; a `*` is decided by each event. */
export function nounsOfEvent(key: readonly string[]): readonly string[] {
  if (key[0] === "control") return withWholes(["control", key[1] ?? ""]);
  return withWholes(key.slice(0, -1).filter((word, i) => i % 2 === 0 && word !== "*"));
}

function withWholes(words: readonly string[]): string[] {
  const found = new Set<string>();
  for (const word of words) {
    for (let noun: string | undefined = word; noun !== undefined && noun !== ""; noun = partOf[noun]) found.add(noun);
  }
  return [...found];
}

/** The noun that an action on this path is done with. */
export function nounOfTarget(path: readonly string[]): string | undefined {
  return literalsOfPath(path)?.at(-1);
}
