import { Results } from "@multimaster/core";
import type { Report } from "@multimaster/plugins";
import discord from "@multimaster/plugins/reporters/discord";
import gerritChecks from "@multimaster/plugins/reporters/gerrit-checks";
import gerritReview from "@multimaster/plugins/reporters/gerrit-review";
import gitHubChecks from "@multimaster/plugins/reporters/github-checks";
import gitHubComment from "@multimaster/plugins/reporters/github-comment";
import gitHubLabels from "@multimaster/plugins/reporters/github-labels";
import gitLabComment from "@multimaster/plugins/reporters/gitlab-comment";
import mattermost from "@multimaster/plugins/reporters/mattermost";
import slack from "@multimaster/plugins/reporters/slack";
import teams from "@multimaster/plugins/reporters/teams";
import { describe, expect, it } from "vitest";
import { gerrits } from "../../harness/contracts/gerrit.ts";
import { type ReportTarget, startReportTarget } from "../../harness/report-target.ts";
import { reportOf, sendReport as send } from "../../harness/reports.ts";
import { type Contract, startStrictTarget } from "../../harness/strict-target.ts";

const last = (target: ReportTarget) => target.calls.at(-1) as ReportTarget["calls"][number];
const sent = (target: ReportTarget) => target.calls.splice(0).map(({ method, path, body }) => [method, path, body]);

/** The sample build, of a pull or merge request. */
function ofRequest(results: 0 | 2 | 6 | null, branch: string): Report {
  const { build, ...report } = reportOf(results);
  return { ...report, build: build && { ...build, sources: build.sources.map((source) => ({ ...source, branch })) } };
}

/** The report with a step whose log of warnings is this. */
function withWarnings(report: Report, warnings: string): Report {
  return {
    ...report,
    async details() {
      const details = await report.details();
      const step = details.steps.at(-1) as (typeof details.steps)[number];
      const log = { logid: 44, name: "warnings", slug: "warnings", lines: 9 };
      return { ...details, steps: [{ ...step, name: "compile", logs: [log] }] };
    },
    logTail: async (logid) => (logid === 44 ? warnings : ""),
  };
}

const warnings = [
  "src/main.c:12:5: warning: unused variable [-Wunused]",
  "./lib/a.c(7): warning C4101: unreferenced  [3 times]",
  "/usr/include/stdio.h:4:1: warning: outside of the repository",
  "../other/b.c:1:1: warning: outside as well",
  "C:/build/c.c:1: warning: of a machine",
  "warning: of no file",
  "",
].join("\n");

describe("GitHub", () => {
  it("gets failing tests and warnings at their lines, and a button for a check that has ended", async () => {
    const target = await startReportTarget();
    target.answer(() => ({ status: 201, body: { id: 77 } }));
    const checks = gitHubChecks({ name: "s", apiUrl: target.url, token: "t0ken" });
    const offered: string[] = [];
    await send(checks, reportOf(null), { offerRerun: (name) => void offered.push(name) });
    expect(last(target).body.actions).toBeUndefined();
    expect(offered).toEqual([]);
    await send(checks, withWarnings(reportOf(Results.FAILURE), warnings), {
      offerRerun: (name) => void offered.push(name),
    });
    const { body } = last(target);
    expect(
      body.output.annotations.map((one: Record<string, unknown>) => [
        one["path"],
        one["start_line"],
        one["annotation_level"],
        one["message"],
      ]),
    ).toEqual([
      ["test/list.test.ts", 12, "failure", "list is sorted: fail"],
      ["src/main.c", 12, "warning", "warning: unused variable [-Wunused]"],
      ["lib/a.c", 7, "warning", "warning C4101: unreferenced  [3 times]"],
    ]);
    expect(body.actions).toEqual([
      { label: "Run again", description: "Builds the same sources again", identifier: "rerun" },
    ]);
    expect(offered).toEqual(["own/project@3f1c0de5a9b84f0e8e0b6a7c2d9f4e1a5b6c7d8e"]);
    const many = Array.from({ length: 300 }, (_, i) => `src/a.c:${i + 1}: warning: x`).join("\n");
    await send(
      gitHubChecks({ name: "s", apiUrl: target.url, token: "t0ken", rerunButton: false }),
      withWarnings(reportOf(Results.FAILURE), many),
    );
    expect(last(target).body.output.annotations).toHaveLength(50);
    expect(last(target).body.actions).toBeUndefined();
  });

  it("gets the label of the last build's state, and keeps those of others", async () => {
    const target = await startReportTarget();
    target.answer(({ method }) =>
      method === "GET" ? { body: [{ name: "CI: Failed" }, { name: "help wanted" }] } : undefined,
    );
    const labels = gitHubLabels({
      name: "l",
      apiUrl: target.url,
      token: "t0ken",
      labels: { passed: "ci: passed", failed: "ci: failed" },
      more: ({ builder }) => [`built by ${builder}`],
    });
    const path = "/repos/own/project/issues/12/labels";
    await send(labels, ofRequest(Results.SUCCESS, "refs/pull/12/merge"));
    expect(sent(target)).toEqual([
      ["GET", `${path}?per_page=100`, undefined],
      ["POST", path, { labels: ["ci: passed", "built by web"] }],
      ["DELETE", `${path}/ci%3A%20failed`, undefined],
    ]);
    await send(labels, ofRequest(Results.FAILURE, "refs/pull/12/merge"));
    expect(sent(target)).toEqual([
      ["GET", `${path}?per_page=100`, undefined],
      ["POST", path, { labels: ["built by web"] }],
    ]);
    // A state without a label has none of them.
    await send(labels, ofRequest(Results.CANCELLED, "refs/pull/12/merge"));
    expect(sent(target).at(-1)).toEqual(["DELETE", `${path}/ci%3A%20failed`, undefined]);
  });
});

it("GitLab gets one comment for each builder, which later builds edit, also after it was deleted", async () => {
  const target = await startReportTarget();
  const comments = gitLabComment({ name: "c", url: target.url, token: "gl-token" });
  const path = "/api/v4/projects/own%2Fproject/merge_requests/5/notes";
  let memory: string | undefined;
  const remember = (value: string) => void (memory = value);
  target.answer(() => ({ status: 201, body: { id: 31 } }));
  await send(comments, ofRequest(Results.FAILURE, "refs/merge-requests/5/head"), { remember });
  expect(sent(target)).toEqual([["POST", path, { body: expect.stringMatching(/^<!-- test web -->\n.*web \\#81/) }]]);
  await send(comments, ofRequest(Results.SUCCESS, "refs/merge-requests/5/head"), { remember, memory });
  expect(sent(target).map(([method, at]) => [method, at])).toEqual([["PUT", `${path}/31`]]);
  target.answer(({ method }) => (method === "PUT" ? { status: 404 } : { status: 201, body: { id: 32 } }));
  await send(comments, ofRequest(Results.SUCCESS, "refs/merge-requests/5/head"), { remember, memory });
  expect(sent(target).map(([method]) => method)).toEqual(["PUT", "POST"]);
  expect(memory).toBe("32");
  // The answer to the first attempt was lost: its comment is found by its mark.
  target.answer(({ method }) =>
    method === "GET"
      ? {
          body: [
            { id: 8, body: "hi" },
            { id: 9, body: "<!-- test web -->\nold" },
          ],
        }
      : undefined,
  );
  await send(comments, ofRequest(Results.SUCCESS, "refs/merge-requests/5/head"), { remember, unsure: true });
  expect(sent(target).map(([method, at]) => [method, at])).toEqual([
    ["GET", `${path}?per_page=100&order_by=updated_at&sort=desc`],
    ["PUT", `${path}/9`],
  ]);
});

it("Gerrit gets comments at lines of files that the change touches, and of no others", async () => {
  const target = await startReportTarget();
  const review = gerritReview({ name: "g", url: target.url, user: "u", password: "p", comments: true });
  const base = withWarnings(
    reportOf(Results.FAILURE, { "event.change.number": 4, "event.patchSet.number": 2 }),
    "src/list.ts:3: warning: here\nsrc/other.ts:3: warning: there",
  );
  await send(review, base);
  expect(last(target).body.comments).toEqual({
    "src/list.ts": [{ line: 3, message: "warning: here", unresolved: false }],
  });
});

describe("properties that a step of a build sets", () => {
  /** The report of a build whose steps, run by a stranger's code, have set these. */
  function setByStep({ build, ...report }: Report, properties: Record<string, string | number>): Report {
    return { ...report, build: build && { ...build, properties: { ...build.properties, ...properties } } };
  }
  const steered = {
    "event.change.number": 666,
    "event.patchSet.revision": "evil",
    gerrit_change: 666,
    pullrequest_number: 666,
    "github.base.repo.full_name": "other/project",
  };
  const gitHub = { name: "r", token: "t0ken" };
  const gerrit = { name: "r", user: "u", password: "p" };
  const pull = { pullrequest_number: 12, "github.base.repo.full_name": "own/project" };
  const change = { "event.change.number": 4, "event.patchSet.revision": "abc" };

  it.each([
    ["github-comment", (apiUrl: string) => gitHubComment({ ...gitHub, apiUrl }), pull, "/repos/own/project/issues/12/"],
    [
      "github-labels",
      (apiUrl: string) => gitHubLabels({ ...gitHub, apiUrl, labels: { failed: "bad" } }),
      pull,
      "/repos/own/project/issues/12/",
    ],
    [
      "gitlab-comment",
      (url: string) => gitLabComment({ name: "r", token: "t0ken", url }),
      { pullrequest_number: 5 },
      "/api/v4/projects/own%2Fproject/merge_requests/5/",
    ],
    ["gerrit-review", (url: string) => gerritReview({ ...gerrit, url }), change, "/a/changes/4/revisions/abc/"],
    ["gerrit-checks", (url: string) => gerritChecks({ ...gerrit, url }), change, "/a/changes/4/revisions/abc/"],
  ] as const)("do not steer %s to another change", async (_, reporter, asked, path) => {
    const target = await startReportTarget();
    target.answer(() => ({ status: 200, body: [] }));
    await send(reporter(target.url), setByStep(reportOf(Results.FAILURE, asked), steered));
    const paths = sent(target).map(([, at]) => at);
    expect(paths.length).toBeGreaterThan(0);
    for (const at of paths) expect(at).toContain(path);
    // A build that was asked for without a change has none.
    await send(reporter(target.url), setByStep(reportOf(Results.FAILURE), steered));
    expect(target.calls).toEqual([]);
  });
});

describe("a login that a build prints", () => {
  const token = "ghp_a_t0ken*of*it";
  /** A report whose log, step, test and state show it. */
  function printing({ build, ...report }: Report): Report {
    return {
      ...report,
      build: build && { ...build, state: `failed with ${token}`, reason: token },
      async details() {
        const details = await report.details();
        const failingTests = [{ name: `test ${token}`, path: "a.ts", line: 1, value: token }];
        const steps = details.steps.map((step) => ({ ...step, state: token }));
        return { ...details, steps, failingTests };
      },
      logTail: async () => `$ env\nTOKEN=${token}`,
    };
  }

  it.each([
    ["github-comment", (apiUrl: string) => gitHubComment({ name: "r", token, apiUrl })],
    ["github-checks", (apiUrl: string) => gitHubChecks({ name: "r", token, apiUrl })],
    ["gitlab-comment", (url: string) => gitLabComment({ name: "r", token, url })],
  ])("is not shown by %s, also where its letters are escaped", async (_, reporter) => {
    const target = await startReportTarget();
    target.answer(() => ({ status: 201, body: { id: 77 } }));
    await send(reporter(target.url), printing(reportOf(Results.FAILURE, { pullrequest_number: 12 })));
    const { text } = last(target);
    expect(text).toContain("TOKEN=…");
    expect(text).not.toContain("t0ken");
  });

  it.each([
    ["slack", slack],
    ["discord", discord],
    ["mattermost", mattermost],
    ["teams", teams],
  ])("is not shown by %s, whose login is its address, nor the parts of that", async (_, reporter) => {
    const target = await startReportTarget();
    const secret = "s3cret-s3cret-s3cret";
    const url = `${target.url}/services/T0/B0/${secret}?sig=${secret}2`;
    const report = reportOf(Results.FAILURE);
    const printed = [url, `services/T0/B0/${secret}`, `HOOK=${secret}`, `sig=${secret}2`].join("\n");
    await send(reporter({ name: "r", url }), { ...report, logTail: async () => printed });
    const { text } = last(target);
    expect(text).toContain("HOOK=…");
    expect(text).not.toMatch(/s3cret|services/);
  });
});

describe("Gerrit's plugin checks", () => {
  const contract = gerrits.find(({ kind }) => kind === "gerrit-checks") as Contract;
  const { properties } = contract;

  it("shows a build while it runs and when it has ended, and the next one of the patch set as one that has not ended", async () => {
    const target = await startStrictTarget(contract);
    const shown = () => target.kept.get("multimaster:web");
    let memory: string | undefined;
    const next = { remember: (value: string) => void (memory = value) };
    const report = (results: 0 | 2 | 3 | 5 | null) =>
      send(contract.reporter(target.url), reportOf(results, properties), { ...next, memory });
    await report(null);
    expect(shown()).toEqual({
      checker_uuid: "multimaster:web",
      state: "RUNNING",
      message: "Build started",
      url: expect.stringContaining("https://ci.example.org/#/builders/"),
      started: "2023-11-14 22:13:20.000000000",
    });
    await report(Results.FAILURE);
    expect(shown()).toMatchObject({ state: "FAILED", finished: "2023-11-14 22:17:52.000000000" });
    await report(null);
    expect(shown()).toMatchObject({ state: "RUNNING" });
    expect(shown()).not.toHaveProperty("finished");
    await report(Results.SUCCESS);
    expect(shown()).toMatchObject({ state: "SUCCESSFUL" });
    expect([target.wrong, target.kept.size]).toEqual([[], 1]);
  });

  it("has a checker by the function of a config, whose UUIDs must be Gerrit's", async () => {
    const target = await startStrictTarget(contract);
    const checker = ({ builder }: { readonly builder: string }) => `ci:own-project-${builder}`;
    await send(contract.reporter(target.url, { checker }), reportOf(Results.SUCCESS, properties));
    expect([...target.kept.keys()]).toEqual(["ci:own-project-web"]);
    const wrong = gerritChecks({ name: "g", url: target.url, user: "ci", password: "pa55", checker: () => "../x" });
    await expect(send(wrong, reportOf(Results.SUCCESS, properties))).rejects.toThrow(
      'the function "checker" of the config must return scheme:id, of letters, digits and . _ -, and returned "../x"',
    );
  });
});

describe("functions of a config", () => {
  const chat = { name: "chat", url: "https://example.org/" };

  it("that throw fail their report, with a sentence that names the option", async () => {
    const target = await startReportTarget();
    const message = () => {
      throw new Error("no idea");
    };
    await expect(send(slack({ ...chat, url: target.url, message }), reportOf(Results.SUCCESS))).rejects.toThrow(
      "the template failed: no idea",
    );
    expect(target.calls).toEqual([]);
  });

  it("that return something else fail it with what is missing", async () => {
    const target = await startReportTarget();
    const message = () => ({ subject: "", text: 5 }) as never;
    await expect(send(slack({ ...chat, url: target.url, message }), reportOf(Results.SUCCESS))).rejects.toThrow(
      /^the template failed: it must return \{ subject, text \} \(subject: /,
    );
  });

  it("that never return are ended", async () => {
    const target = await startReportTarget();
    const vote = () => {
      for (;;);
    };
    const review = gerritReview({ name: "g", url: target.url, user: "u", password: "p", vote });
    await expect(send(review, reportOf(Results.FAILURE, { "event.change.number": 4 }))).rejects.toThrow(
      'the function "vote" of the config failed: it blocked its master for 1000 ms without returning, and was ended',
    );
  });
});
