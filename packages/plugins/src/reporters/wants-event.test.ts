import { type Result, Results } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import type { ReportedEvent } from "../reported-event.ts";
import { commitsOf, repositoryPath } from "./forge-shape.ts";
import { htmlMessage } from "./messages/html-message.ts";
import { markdownMessage } from "./messages/markdown-message.ts";
import { checkTemplate, makeMessage } from "./messages/message.ts";
import { plainMessage } from "./messages/plain-message.ts";
import { sampleFacts } from "./messages/sample-facts.ts";
import type { ReporterOptions, ReportMode } from "./reporter-options.ts";
import slack from "./slack.ts";
import { wantsEvent } from "./wants-event.ts";

const facts = sampleFacts();
const failed = facts.find(({ name }) => name === "a build that failed")?.facts as (typeof facts)[0]["facts"];

/** An end of the sample build, after one with another result. */
function end(results: Result | null, previous: Result | null): ReportedEvent {
  const build = failed.build as NonNullable<ReportedEvent["build"]>;
  return {
    event: results === null ? "build-started" : "build-ended",
    at: 1,
    build: { ...build, results, previous: previous === null ? null : { buildid: 1, number: 1, results: previous } },
  };
}

const options = (more: Partial<ReporterOptions> = {}) => ({ modes: ["all"], ...more }) as ReporterOptions;
const { SUCCESS, WARNINGS, FAILURE, EXCEPTION, CANCELLED, RETRY } = Results;

describe("a reporter", () => {
  it.each<[ReportMode, Result, Result | null, boolean]>([
    ["failing", FAILURE, FAILURE, true],
    ["failing", SUCCESS, FAILURE, false],
    ["passing", SUCCESS, null, true],
    ["warnings", WARNINGS, null, true],
    ["exception", EXCEPTION, null, true],
    ["cancelled", CANCELLED, null, true],
    ["change", FAILURE, FAILURE, false],
    ["change", FAILURE, SUCCESS, true],
    ["change", SUCCESS, null, false],
    ["problem", FAILURE, SUCCESS, true],
    ["problem", FAILURE, null, true],
    ["problem", FAILURE, EXCEPTION, false],
    ["fixed", SUCCESS, FAILURE, true],
    ["fixed", SUCCESS, WARNINGS, false],
    ["fixed", SUCCESS, null, false],
    ["change", CANCELLED, SUCCESS, false],
    ["change", RETRY, SUCCESS, false],
    ["problem", CANCELLED, SUCCESS, false],
    ["fixed", WARNINGS, EXCEPTION, true],
    ["firstFailure", FAILURE, SUCCESS, true],
    ["firstFailure", EXCEPTION, null, true],
    ["firstFailure", FAILURE, FAILURE, false],
    ["firstFailure", SUCCESS, FAILURE, false],
    ["failing", EXCEPTION, null, false],
    ["passing", WARNINGS, null, false],
    ["warnings", SUCCESS, null, false],
    ["exception", FAILURE, null, false],
    ["cancelled", RETRY, null, false],
    ["all", RETRY, null, true],
  ])("with the mode %s, result %i after %s", (mode, results, previous, wanted) => {
    expect(wantsEvent(end(results, previous), options({ modes: [mode] }))).toBe(wanted);
    expect(wantsEvent(end(null, previous), options({ modes: [mode] }))).toBe(true);
  });

  it("chooses builds by builder, tag, branch and scheduler", () => {
    const wants = (more: Partial<ReporterOptions>) => wantsEvent(end(FAILURE, null), options(more));
    expect([wants({ builders: ["w*"] }), wants({ builders: ["x*"] })]).toEqual([true, false]);
    expect([wants({ tags: ["main"] }), wants({ tags: ["other"] })]).toEqual([true, false]);
    expect([wants({ branches: ["ma*"] }), wants({ branches: ["dev"] })]).toEqual([true, false]);
    expect([wants({ schedulers: ["push"] }), wants({ schedulers: ["night"] })]).toEqual([true, false]);
    expect([wants({ authors: ["*@example.org>"] }), wants({ authors: ["bob*"] })]).toEqual([true, false]);
    const properties = (value: Record<string, string | string[]>) => wants({ properties: value });
    expect([properties({ branch: "ma*" }), properties({ branch: ["dev", "main"] })]).toEqual([true, true]);
    expect([properties({ branch: "dev" }), properties({ other: "*" })]).toEqual([false, false]);
    expect([properties({ branch: "main", other: "*" }), properties({})]).toEqual([false, true]);
  });

  it("with a mode against the previous build leaves out an end that a later one has overtaken", () => {
    const { build, ...event } = end(FAILURE, SUCCESS);
    const late = { ...event, build: build && { ...build, isOvertaken: true } };
    const modes: ReportMode[] = ["failing", "change", "problem", "firstFailure", "fixed"];
    expect(modes.filter((mode) => wantsEvent(late, options({ modes: [mode] })))).toEqual(["failing"]);
  });

  it("of first failures leaves out what began to fail after another of its builders in the same buildset", () => {
    const { build, ...event } = end(FAILURE, SUCCESS);
    const second = {
      ...event,
      build: build && { ...build, earlierFailures: [{ buildid: 1, builderid: 2, builder: "docs" }] },
    };
    expect(wantsEvent(second, options({ modes: ["firstFailure"] }))).toBe(false);
    expect(wantsEvent(second, options({ modes: ["firstFailure"], builders: ["web"] }))).toBe(true);
    expect(wantsEvent(second, options({ modes: ["problem"] }))).toBe(true);
  });

  it("chooses buildsets, steps and requests that wait by the same options, and steps by their names and results", () => {
    const sampled = (event: string) => facts.find((one) => one.facts.event === event)?.facts as ReportedEvent;
    const wants = (event: string, more: Partial<ReporterOptions>) => wantsEvent(sampled(event), options(more));
    for (const event of ["buildset-started", "buildset-ended", "request-waiting", "step-started", "step-ended"]) {
      expect(wants(event, { builders: ["w*"], tags: ["main"], branches: ["main"], steps: ["test"] })).toBe(true);
      expect(wants(event, { builders: ["x*"] })).toBe(false);
      expect(wants(event, { branches: ["dev"] })).toBe(false);
    }
    expect(wants("step-ended", { steps: ["deploy*"] })).toBe(false);
    expect(wants("step-ended", { modes: ["passing"] })).toBe(false);
    expect(wants("step-ended", { modes: ["failing"] })).toBe(true);
    expect(wants("request-waiting", { waitingAfter: 3_600_000 })).toBe(false);
    expect(wants("master-evicted", { builders: ["x*"] })).toBe(true);
  });
});

describe("messages", () => {
  it("are made for every sample by the ready templates", () => {
    for (const message of [plainMessage, markdownMessage, htmlMessage]) expect(checkTemplate({ message })).toEqual([]);
  });

  it("escape what logs and changes contain, and hide the reporter's secrets", () => {
    const { html, text } = makeMessage(failed, htmlMessage, ["got [2, 1]"]);
    expect(html).toContain("&lt;!&gt;");
    expect(`${html}${text}`).not.toContain("got [2, 1]");
    const log = { step: "test", log: "stdio", text: "```\nout of the fence" };
    expect(markdownMessage({ ...failed, logs: [log] }).text).toContain("````\n```\nout of the fence\n````");
  });

  it("whose template is broken are found by the check of the config, which says for which build", async () => {
    const broken = slack({
      name: "chat",
      url: "https://example.org/",
      events: ["build-ended", "buildset-ended", "worker-missing"],
      message: ({ build }) => ({
        subject: "a",
        text: (build as NonNullable<typeof build>).builder.trim(),
      }),
    });
    const { plugin, options: given } = broken;
    expect(await plugin.check?.(plugin.options.parse(given))).toEqual([
      expect.stringMatching(/^\.message: the template fails for a buildset that ended and a missing worker: /),
    ]);
    const empty = checkTemplate({ message: () => ({}) as never });
    expect(empty[0]).toContain("for a build that begins and 13 others: it must return { subject, text }");
  });
});

it.each([
  ["https://forge.example.org/own/project.git", "own/project"],
  ["git@forge.example.org:own/project", "own/project"],
  ["ssh://git@forge.example.org:7999/group/sub/project.git", "group/sub/project"],
  ["https://forge.example.org/project", undefined],
  ["https://forge.example.org/own/../../user", undefined],
  ["https://forge.example.org/own/%2e%2e/user", undefined],
  ["https://forge.example.org/user/repos?x=", undefined],
])("the repository of %s is %s", (address, path) => {
  expect(repositoryPath(address)).toBe(path);
});

it.each([
  ["3f1c0de", "3f1c0de"],
  ["../../../user", "c0ffee"],
  ["abc?x=", "c0ffee"],
  ["..", "c0ffee"],
])("the commit of the revision %s is %s", (revision, commit) => {
  const build = failed.build as NonNullable<ReportedEvent["build"]>;
  const sources = build.sources.map((source) => ({ ...source, revision }));
  const asked = { ...build, sources, properties: { got_revision: "c0ffee" } };
  expect(commitsOf(asked, { context: "" }).map((found) => found.revision)).toEqual([commit]);
});
