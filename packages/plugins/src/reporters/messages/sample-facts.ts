import { type Result, Results } from "@multimaster/core";
import type { ReportedBuild } from "@multimaster/data";
import type { MessageFacts } from "./message-facts.ts";

/** Builds as they may be reported, for templates to be tried with. */
export function sampleFacts(): { readonly name: string; readonly facts: MessageFacts }[] {
  const empty = { steps: [], changes: [], failingTests: [], logs: [] };
  const ended = (results: Result, more: Partial<MessageFacts> = {}): MessageFacts => ({
    ...base,
    ...empty,
    event: "build-ended",
    build: sampleBuild(results),
    ...more,
  });
  return [
    { name: "a build that begins", facts: { ...base, ...empty, event: "build-started", build: sampleBuild(null) } },
    { name: "a build that passed", facts: ended(Results.SUCCESS, { changes: [change] }) },
    { name: "a build that failed", facts: ended(Results.FAILURE, failed) },
    { name: "a build that was cancelled", facts: ended(Results.CANCELLED) },
    {
      name: "a build without source",
      facts: ended(Results.EXCEPTION, {
        build: { ...sampleBuild(Results.EXCEPTION), sources: [], previous: null, worker: null },
      }),
    },
    { name: "a buildset that ended", facts: { ...base, ...empty, event: "buildset-ended", buildset } },
    { name: "a missing worker", facts: { ...base, ...empty, event: "worker-missing", worker } },
    {
      name: "a buildset that begins",
      facts: { ...base, ...empty, event: "buildset-started", buildset: { ...buildset, ...begun } },
    },
    { name: "a step that begins", facts: { ...base, ...empty, event: "step-started", ...inStep(null) } },
    { name: "a step that ended", facts: { ...base, ...empty, event: "step-ended", ...inStep(Results.FAILURE) } },
    { name: "a build request that waits", facts: { ...base, ...empty, event: "request-waiting", request } },
    { name: "a master that is lost", facts: { ...base, ...empty, event: "master-evicted", master } },
    { name: "another config", facts: { ...base, ...empty, event: "config-changed", master } },
    { name: "an upgrade that is done", facts: { ...base, ...empty, event: "upgrade-done", master } },
  ];
}

const base = { at: 1_700_000_000, url: "https://ci.example.org/#/builders/1/builds/81", cluster: "sample" };

const source = {
  codebase: "",
  repository: "https://forge.example.org/own/project.git",
  project: "project",
  branch: "main",
  revision: "3f1c0de5a9b84f0e8e0b6a7c2d9f4e1a5b6c7d8e",
};

function sampleBuild(results: Result | null): ReportedBuild {
  return {
    buildid: 812,
    number: 81,
    builderid: 1,
    builder: "web",
    tags: ["main"],
    buildrequestid: 900,
    buildsetid: 400,
    reason: "a change",
    worker: "linux-1",
    results,
    state: results === null ? "running tests" : "3 of 240 tests failed",
    requestedAt: 1_699_999_990,
    startedAt: 1_700_000_000,
    completeAt: results === null ? null : 1_700_000_272,
    properties: { scheduler: "push", branch: "main", got_revision: source.revision },
    requestProperties: { scheduler: "push" },
    sources: [source],
    authors: ["Ann Example <ann@example.org>"],
    isOvertaken: false,
    mute: null,
    earlierFailures: [],
    previous: { buildid: 800, number: 80, results: Results.SUCCESS },
  };
}

const change = {
  changeid: 5,
  author: "Ann Example <ann@example.org>",
  revision: source.revision,
  comments: "Sort the list before it is shown\n\nIt was in the order of ids.",
  link: "https://forge.example.org/own/project/commit/3f1c0de",
  files: ["src/list.ts"],
};

const step = {
  stepid: 7,
  number: 2,
  name: "test",
  results: Results.FAILURE,
  state: "3 of 240 tests failed",
  startedAt: 1_700_000_100,
  completeAt: 1_700_000_270,
  urls: [],
  logs: [{ logid: 9, name: "stdio", slug: "stdio", lines: 1200 }],
};

const failed: Partial<MessageFacts> = {
  steps: [{ ...step, stepid: 6, number: 1, name: "compile", results: Results.SUCCESS, state: "compiled" }, step],
  changes: [change],
  failingTests: [{ name: "list is sorted", path: "test/list.test.ts", line: 12, value: "fail" }],
  logs: [{ step: "test", log: "stdio", text: "expected [1, 2]\n     got [2, 1] <!>" }],
};

const buildset = {
  buildsetid: 400,
  reason: "a change",
  results: Results.FAILURE,
  submittedAt: 1_700_000_000,
  completeAt: 1_700_000_300,
  sources: [source],
  properties: {},
  authors: ["Ann Example <ann@example.org>"],
  builders: [{ builderid: 1, builder: "web", tags: ["main"], buildrequestid: 900 }],
  builds: [sampleBuild(Results.FAILURE), { ...sampleBuild(Results.SUCCESS), builder: "docs", number: 12 }],
};

const worker = {
  workerid: 3,
  name: "linux-1",
  notify: ["owner@example.org"],
  reason: null,
  lastConnection: "Thu Nov 26 2026 10:00:00",
};

const begun = { results: null, completeAt: null, builds: [] };

const inStep = (results: Result | null) => ({
  build: sampleBuild(null),
  step: { stepid: 7, number: 2, name: "test", results },
});

const request = {
  buildrequestid: 901,
  buildsetid: 401,
  builderid: 1,
  builder: "web",
  tags: ["main"],
  reason: "a change",
  sources: [source],
  properties: { scheduler: "push" },
  waited: 2400,
  after: 1800,
  requests: 12,
  why: "All its workers are away: linux-1 since 10:00.",
};

const master = {
  masterid: 2,
  name: "engine-1",
  sentence: "Its lease expired. 3 builds of it run again on other masters.",
  facts: { builds: 3 },
};
