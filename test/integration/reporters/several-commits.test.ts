import type { PluginDescriptor } from "@multimaster/config";
import { Results } from "@multimaster/core";
import bitbucketCloudStatus from "@multimaster/plugins/reporters/bitbucket-cloud-status";
import bitbucketServerStatus from "@multimaster/plugins/reporters/bitbucket-server-status";
import giteaStatus from "@multimaster/plugins/reporters/gitea-status";
import gitHubChecks from "@multimaster/plugins/reporters/github-checks";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import gitLabStatus from "@multimaster/plugins/reporters/gitlab-status";
import { describe, expect, it } from "vitest";
import { startReportTarget, type TargetCall } from "../../harness/report-target.ts";
import { reportOf, sendReport } from "../../harness/reports.ts";

const [first, second, third] = ["1", "2", "3"].map((digit) => digit.repeat(40)) as [string, string, string];

/** A build of three codebases, two of which are of one repository. */
function reportOfThree(results: 0 | 2 | null) {
  const report = reportOf(results);
  const source = (codebase: string, path: string, revision: string) => ({
    codebase,
    repository: `https://forge.example.org/${path}.git`,
    project: "",
    branch: "main",
    revision,
  });
  const sources = [source("a", "own/a", first), source("b", "own/b", second), source("c", "own/a", third)];
  return { ...report, build: report.build && { ...report.build, sources } };
}

/** An attempt, with what the one before has remembered; returns how it failed. */
function attempts(reporter: PluginDescriptor<"reporter">) {
  let memory: string | undefined;
  return async (results: 0 | 2 | null, id: string, more: { unsure?: boolean } = {}) => {
    const remember = (value: string) => void (memory = value);
    try {
      await sendReport(reporter, reportOfThree(results), { id, memory, remember, ...more });
    } catch (error) {
      return error as Error;
    }
    return undefined;
  };
}

const revisionOf = ({ path, body }: TargetCall): string =>
  [first, second, third].find((revision) => path.includes(revision) || body?.head_sha === revision) ?? "none";
const posted = (calls: readonly TargetCall[]) => calls.filter(({ method }) => method !== "GET").map(revisionOf);

describe("of several commits, one that is refused holds up no other, and the next attempt reports it alone:", () => {
  it.each([
    ["github-status", (url: string) => gitHubStatus({ name: "s", apiUrl: url, token: "t0ken" })],
    ["gitlab-status", (url: string) => gitLabStatus({ name: "s", url, token: "t0ken" })],
    ["gitea-status", (url: string) => giteaStatus({ name: "s", url, token: "t0ken" })],
    ["bitbucket-cloud-status", (url: string) => bitbucketCloudStatus({ name: "s", apiUrl: url, token: "t0ken" })],
    ["bitbucket-server-status", (url: string) => bitbucketServerStatus({ name: "s", url, token: "t0ken" })],
    ["github-checks", (url: string) => gitHubChecks({ name: "s", apiUrl: url, token: "t0ken" })],
  ])("%s", async (_, make) => {
    const target = await startReportTarget();
    const attempt = attempts(make(target.url));
    target.answer((call) =>
      revisionOf(call) === second
        ? { status: 422, body: { message: "no such commit" } }
        : { status: 201, body: { id: 1 } },
    );
    expect(await attempt(Results.FAILURE, "test-1")).toMatchObject({
      message: expect.stringContaining("refuses the report (422): no such commit"),
      failure: { of: "report" },
    });
    expect(posted(target.calls)).toEqual([first, second, third]);
    expect(await attempt(Results.FAILURE, "test-1")).toBeInstanceOf(Error);
    expect(posted(target.calls).slice(3)).toEqual([second]);
    target.answer(() => ({ status: 201, body: { id: 2 } }));
    expect(await attempt(Results.FAILURE, "test-1")).toBeUndefined();
    expect(posted(target.calls).slice(4)).toEqual([second]);
    // Another report of the same commits is one of its own.
    expect(await attempt(Results.SUCCESS, "test-2")).toBeUndefined();
    expect(target.calls.slice(5)).toHaveLength(3);
    // What is only shown names each commit and its repository.
    const shown: string[] = [];
    await sendReport(make(target.url), reportOfThree(Results.SUCCESS), { preview: (what) => void shown.push(what) });
    const named = shown.map((what) => [
      /own(?:%2F|\/repos\/|\/)([ab])\b/.exec(what)?.[1],
      /([123])\1{39}/.exec(what)?.[1],
    ]);
    expect(named).toEqual([
      ["a", "1"],
      ["b", "2"],
      ["a", "3"],
    ]);
  });
});

it("a target that takes nothing is left alone after the first commit, and what it had is not sent again", async () => {
  const target = await startReportTarget();
  const attempt = attempts(gitHubStatus({ name: "s", apiUrl: target.url, token: "t0ken" }));
  target.answer((call) => ({ status: revisionOf(call) === first ? 201 : 502 }));
  expect(await attempt(null, "test-1")).toMatchObject({ failure: { of: "target" } });
  expect(posted(target.calls)).toEqual([first, second]);
  target.answer(({ method }) => (method === "GET" ? { body: [] } : { status: 201 }));
  expect(await attempt(null, "test-1", { unsure: true })).toBeUndefined();
  expect(posted(target.calls).slice(2)).toEqual([second, third]);
});

it("each commit has a check of its own, also of one repository, and a check that has ended is not written again", async () => {
  const target = await startReportTarget();
  let made = 0;
  const answer = (call: TargetCall) =>
    call.method === "PATCH" ? { body: { id: 1 } } : { status: 201, body: { id: ++made } };
  target.answer(answer);
  const attempt = attempts(gitHubChecks({ name: "s", apiUrl: target.url, token: "t0ken" }));
  expect(await attempt(null, "test-1")).toBeUndefined();
  target.answer((call) =>
    call.path.endsWith("/own/b/check-runs/2") ? { status: 422, body: { message: "no" } } : { body: { id: 1 } },
  );
  expect(await attempt(Results.FAILURE, "test-2")).toBeInstanceOf(Error);
  target.answer(answer);
  expect(await attempt(Results.FAILURE, "test-2")).toBeUndefined();
  expect(target.calls.map(({ method, path }) => `${method} ${path.replace("/repos/own/", "")}`)).toEqual([
    "POST a/check-runs",
    "POST b/check-runs",
    "POST a/check-runs",
    "PATCH a/check-runs/1",
    "PATCH b/check-runs/2",
    "PATCH a/check-runs/3",
    // Once more, with its annotations, which GitHub would append to those that it has.
    "PATCH b/check-runs/2",
  ]);
});
