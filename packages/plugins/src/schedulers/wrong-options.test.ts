import { builderConfig, defineLock, describeIssue, type PluginDescriptor } from "@multimaster/config";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { findUnclear } from "../damaged-options.ts";
import sleep from "../steps/sleep.ts";
import anyBranch from "./any-branch.ts";
import cancelFailing from "./cancel-failing.ts";
import cancelSuperseded from "./cancel-superseded.ts";
import dependent from "./dependent.ts";
import force from "./force.ts";
import nightly from "./nightly.ts";
import nightlyTriggerable from "./nightly-triggerable.ts";
import periodic from "./periodic.ts";
import singleBranch from "./single-branch.ts";
import triggerable from "./triggerable.ts";
import tryScheduler from "./try.ts";

const filter = { branch: ["main", null], repository: /a/, project: "p", codebase: "c" };
const changeFilter = {
  ...filter,
  branches: ["main"],
  category: () => true,
  author: "ann",
  files: "src/a.c",
  forks: false,
  filter: () => true,
};
const codebases = { lib: { repository: "r", branch: "main", revision: "1", project: "p" } };
const common = { name: "s", builders: ["b"], properties: { a: 1 }, priority: 1, reason: "because" };
const classifying = { changeFilter, fileIsImportant: () => true, onlyImportant: true };
const following = { ...common, ...classifying, treeStableTimer: "1m", treeStableMaxWait: "1h", codebases };
const times = { minute: 0, hour: [1, 2], dayOfMonth: "1", month: "jan", dayOfWeek: "mon-fri", timeZone: "UTC" };
const timed = { ...common, ...classifying, missed: "skip", branch: "main", codebases, onlyIfChanged: true };
const field = { label: "l", tooltip: "t", required: true, hide: false, regex: "a", maxsize: 5, autopopulate: { a: 1 } };

/** A value for every option of schedulers: each of them, and of what they contain, is replaced by wrong ones. */
const kinds: Record<
  string,
  { make(options: never): PluginDescriptor<"scheduler">; options: object; absent?: string[] }
> = {
  "single-branch": { make: singleBranch, options: { ...following, branch: "main" } },
  "any-branch": { make: anyBranch, options: { ...following, branches: ["main", null] } },
  periodic: {
    make: periodic,
    options: { ...timed, createAbsoluteSourceStamps: true, every: "4h", runAtStart: false },
  },
  nightly: {
    make: nightly,
    options: { ...timed, ...times, createAbsoluteSourceStamps: true, runAtStart: false },
    absent: ["cron"],
  },
  "nightly by cron text": {
    make: nightly,
    options: { ...timed, createAbsoluteSourceStamps: true, runAtStart: false, cron: "30 2 * * *", timeZone: "UTC" },
    absent: ["minute", "hour", "dayOfMonth", "month", "dayOfWeek"],
  },
  "nightly-triggerable": {
    make: nightlyTriggerable,
    options: { ...common, ...times, missed: "skip", codebases },
    absent: ["cron"],
  },
  dependent: { make: dependent, options: { ...common, upstream: ["a"] } },
  triggerable: { make: triggerable, options: { ...common, codebases } },
  try: {
    make: tryScheduler,
    options: {
      name: "s",
      builders: ["b"],
      properties: { a: 1 },
      priority: 1,
      branch: "main",
      codebase: "c",
      repository: "r",
      project: "p",
      maxPatchSize: 5,
    },
  },
  force: {
    make: force,
    options: {
      name: "s",
      builders: ["b"],
      label: "l",
      buttonName: "n",
      reason: "because",
      priority: 1,
      codebases: [
        {
          codebase: "c",
          label: "l",
          branch: { default: "main", label: "l", required: true, regex: "a", choices: ["a"], fixed: true },
          project: "p",
          repository: "r",
          revision: "1",
        },
      ],
      parameters: [
        { ...field, type: "string", name: "a", default: "d", size: 5 },
        { ...field, type: "text", name: "b", default: "d", cols: 5, rows: 5 },
        { ...field, type: "int", name: "c", default: 1, size: 5 },
        { ...field, type: "bool", name: "d", default: true },
        { ...field, type: "choice", name: "e", choices: ["a"], default: "a", multiple: true, strict: true },
        { ...field, type: "fixed", name: "f", default: "d" },
        { type: "nested", name: "g", label: "l", layout: "simple", columns: 2, fields: [{ type: "int", name: "h" }] },
      ],
    },
  },
  "cancel-failing": { make: cancelFailing, options: { name: "s", builders: ["b"], cancels: ["c"], filter } },
  "cancel-superseded": {
    make: cancelSuperseded,
    options: { name: "s", builders: ["b"], changeFilter, running: true, key: () => "k" },
  },
};

/** The same of what a builder says of locks, order, retries and approval. */
const boards = {
  name: "boards",
  scope: "worker",
  max: 2,
  maxOfWorker: { w1: 3 },
  keepAfterLoss: "10m",
} as const;
const builder = {
  name: "b",
  description: "d",
  tags: ["t"],
  project: "p",
  workers: ["w"],
  builddir: "dir",
  env: { LANG: "C" },
  properties: { a: 1 },
  secretsForForks: ["s"],
  approval: { untrusted: true, expires: "30d" },
  directoryForForks: true,
  maxBuilds: 1,
  locks: [
    { lock: boards, mode: "counting", count: 2 },
    defineLock({ name: "named", resources: ["x", "y"], property: "board" }).exclusive(),
  ],
  collapseRequests: true,
  order: "newest first",
  canStart: () => true,
  nextWorker: () => "w",
  weight: 1,
  retry: [{ on: ["lost"], text: /a/, times: 2, delay: "1m" }],
  maxEngineDeaths: 3,
  maxWorkerLosses: 3,
  maxTime: "1d",
  logMaxSize: 1000,
  logMaxTailSize: 1000,
  maxLogs: 10,
  steps: [sleep({ time: "1s" })],
};

describe("a wrong value is answered with what would be right", () => {
  it.each(Object.entries(kinds))("for every option of the scheduler %s", (_, { make, options, absent = [] }) => {
    const schema = make({} as never).plugin.options as z.ZodObject;
    expect([...Object.keys(options), ...absent].toSorted()).toEqual(Object.keys(schema.shape).toSorted());
    expect(schema.safeParse(options).error?.issues).toBeUndefined();
    expect(findUnclear(schema, options)).toEqual([]);
  });

  it.each(Object.entries(kinds))("of all options of the scheduler %s at the same time", (_, { make, options }) => {
    const schema = make({} as never).plugin.options as z.ZodObject;
    const wrong = Object.fromEntries(Object.keys(options).map((name) => [name, Number.NaN]));
    const issues = schema.safeParse(wrong).error?.issues ?? [];
    expect(issues.map(({ path }) => path[0]).toSorted()).toEqual(Object.keys(options).toSorted());
  });

  it("for the name of a lock that no one defined, and for a lock with wrong options", () => {
    const wrong = {
      ...builder,
      locks: [
        "db",
        defineLock({ name: "board", max: 0, scope: "host" } as never).counting(),
        defineLock({ name: "db" }),
        defineLock({ name: "rack", property: "slot" }).exclusive(),
        defineLock({ name: "disk", scope: "worker", max: 3, maxOfWorker: { w1: 4, w2: 2 } }).counting(3),
      ],
    };
    const issues = builderConfig.safeParse(wrong).error?.issues ?? [];
    const sentences = issues.flatMap((issue) => describeIssue(issue, builderConfig, wrong));
    expect(sentences.filter((sentence) => !sentence.includes("(have: "))).toEqual([
      "locks[0]: must be the use of a lock that `defineLock` defines: its `exclusive()` or `counting()`",
      'locks[1].lock.scope: must be one of "cluster", "worker"',
      "locks[1].lock.max: must be greater than 0",
      'locks[2].lock: must be a lock of `defineLock({ name: "…" })`, listed by its `exclusive()` or `counting()`',
      'locks[2].mode: must be one of "exclusive", "counting"',
      "locks[3].lock.property: must be left out without `resources`, whose names it gets",
      "locks[4].count: must be at most 2, which is all of the lock on w2",
    ]);
  });

  it("once for a function where a list is expected", () => {
    const { plugin, options } = tryScheduler({ name: "s", builders: (() => ["b"]) as never });
    const issues = plugin.options.safeParse(options).error?.issues ?? [];
    expect(issues.flatMap((issue) => describeIssue(issue, plugin.options, options))).toEqual([
      "builders: expected array, received function",
    ]);
  });

  it("for every option of a builder", () => {
    expect(Object.keys(builder).toSorted()).toEqual(Object.keys(builderConfig.shape).toSorted());
    expect(findUnclear(builderConfig, builder)).toEqual([]);
  });
});

it("warns of functions that refuse every change, and of no others", () => {
  const names = { name: "s", builders: ["b"] };
  const sentencesOf = ({ plugin, options }: PluginDescriptor<"scheduler">) =>
    (plugin.warnings?.(plugin.options.parse(options)) ?? []).map(
      ({ path, sentence }) => `${path.join(".")}: ${sentence}`,
    );
  const never = { changeFilter: { filter: () => false, branch: "main" }, fileIsImportant: () => false };
  const built = [
    "changeFilter.filter: refuses every change: nothing is ever built; return true for some of them",
    "fileIsImportant: refuses every change: nothing is ever built; return true for some of them",
  ];
  expect(sentencesOf(singleBranch({ ...names, ...never }))).toEqual(built);
  expect(sentencesOf(anyBranch({ ...names, ...never }))).toEqual(built);
  expect(sentencesOf(cancelSuperseded({ ...names, changeFilter: { branch: () => false } }))).toEqual([
    "changeFilter.branch: refuses every change: nothing is ever cancelled; return true for some of them",
  ]);
  const nights = { ...names, ...never, every: "1h" };
  expect(sentencesOf(periodic({ ...nights, onlyIfChanged: true }))).toEqual(built);
  expect(sentencesOf(periodic({ ...nights, onlyImportant: true }))).toEqual(
    ["changeFilter", "fileIsImportant", "onlyImportant"].map(
      (option) =>
        `${option}: has no effect without "onlyIfChanged" or "createAbsoluteSourceStamps": set one of them, or remove it`,
    ),
  );
  expect(sentencesOf(nightly({ ...names, hour: 2 }))).toEqual([]);
  const methods = {
    filter: function refuse() {
      return false;
    },
    branch() {
      return false;
    },
  };
  expect(sentencesOf(anyBranch({ ...names, changeFilter: methods }))).toHaveLength(2);
  const none = { name: "s", builders: () => [] };
  for (const scheduler of [
    singleBranch({ ...none, branch: "main" }),
    periodic({ ...none, every: "1h" }),
    dependent({ ...none, upstream: "main" }),
    nightlyTriggerable({ ...none, hour: 2 }),
  ])
    expect(sentencesOf(scheduler)).toEqual([
      "builders: chooses no builder: nothing is ever built; return the names of some builders",
    ]);
  expect(sentencesOf(triggerable(none))).toEqual([]);
  const some = ({ changes }: { changes: readonly unknown[] }) => (changes.length > 1 ? ["b"] : []);
  expect(sentencesOf(singleBranch({ name: "s", branch: "main", builders: some }))).toEqual([]);
  const changed = { ...names, hour: 2, onlyIfChanged: true };
  expect(sentencesOf(nightly(changed))).toEqual([
    'onlyIfChanged: counts changes of every branch, since "branch" is not set, and builds the branch of the newest one: set "branch", or "changeFilter.branch"',
  ]);
  for (const limit of [{ branch: "main" }, { branch: null }, { changeFilter: { branch: "main" } }])
    expect(sentencesOf(nightly({ ...changed, ...limit }))).toEqual([]);
  const sometimes = { changeFilter: { filter: () => Math.random() > 2 }, fileIsImportant: () => true };
  expect(sentencesOf(anyBranch({ ...names, ...sometimes }))).toEqual([]);
});
