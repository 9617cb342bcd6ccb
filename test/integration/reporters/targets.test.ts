import { createHmac, createVerify, generateKeyPairSync } from "node:crypto";
import { Results } from "@multimaster/core";
import bitbucketCloudStatus from "@multimaster/plugins/reporters/bitbucket-cloud-status";
import bitbucketServerStatus from "@multimaster/plugins/reporters/bitbucket-server-status";
import discord from "@multimaster/plugins/reporters/discord";
import gerritReview from "@multimaster/plugins/reporters/gerrit-review";
import giteaStatus from "@multimaster/plugins/reporters/gitea-status";
import gitHubChecks from "@multimaster/plugins/reporters/github-checks";
import gitHubComment from "@multimaster/plugins/reporters/github-comment";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import gitLabStatus from "@multimaster/plugins/reporters/gitlab-status";
import httpPush from "@multimaster/plugins/reporters/http-push";
import matrix from "@multimaster/plugins/reporters/matrix";
import mattermost from "@multimaster/plugins/reporters/mattermost";
import slack from "@multimaster/plugins/reporters/slack";
import teams from "@multimaster/plugins/reporters/teams";
import telegram from "@multimaster/plugins/reporters/telegram";
import zulip from "@multimaster/plugins/reporters/zulip";
import { describe, expect, it } from "vitest";
import { type ReportTarget, startReportTarget } from "../../harness/report-target.ts";
import { reportOf, sendReport as send } from "../../harness/reports.ts";

const revision = "3f1c0de5a9b84f0e8e0b6a7c2d9f4e1a5b6c7d8e";
const last = (target: ReportTarget) => target.calls.at(-1) as ReportTarget["calls"][number];
const pageOfBuild = "https://ci.example.org/#/builders/1/builds/81";

describe("forges get the state of a commit as their API wants it:", () => {
  it("Gitea, which lists statuses of one second oldest first, and answers 500 for a commit that it does not have", async () => {
    const target = await startReportTarget();
    const status = giteaStatus({ name: "s", url: target.url, token: "t0ken" });
    const one = { context: "ci/web", target_url: pageOfBuild };
    const body = [
      { ...one, id: 1, status: "pending" },
      { ...one, id: 2, status: "failure" },
    ];
    target.answer(() => ({ body }));
    await send(status, reportOf(Results.FAILURE), { unsure: true });
    expect(target.calls.map(({ method }) => method)).toEqual(["GET"]);
    target.answer(() => ({ status: 500, body: { message: `GetCommit[${revision}]: object does not exist [id: ]` } }));
    await expect(send(status, reportOf(Results.FAILURE))).rejects.toMatchObject({
      message: expect.stringContaining(`has no commit ${revision} in own/project`),
      failure: { of: "report" },
    });
  });

  it("GitHub, with a token; an attempt whose answer was lost is looked up before it is made again", async () => {
    const target = await startReportTarget();
    const status = gitHubStatus({ name: "s", apiUrl: target.url, token: "t0ken" });
    await send(status, reportOf(null));
    await send(status, reportOf(Results.FAILURE));
    expect(target.calls.map(({ method, path, body }) => [method, path, body.state])).toEqual([
      ["POST", `/repos/own/project/statuses/${revision}`, "pending"],
      ["POST", `/repos/own/project/statuses/${revision}`, "failure"],
    ]);
    const { body, headers } = last(target);
    expect(body).toEqual({
      state: "failure",
      context: "ci/web",
      target_url: pageOfBuild,
      description: "Failure after 4 min 32 s: 3 of 240 tests failed",
    });
    expect(headers).toMatchObject({ authorization: "Bearer t0ken", accept: "application/vnd.github+json" });
    target.answer(({ method }) => (method === "GET" ? { body: [body] } : { status: 201 }));
    await send(status, reportOf(Results.FAILURE), { unsure: true });
    expect(last(target).method).toBe("GET");
    await send(status, reportOf(Results.SUCCESS), { unsure: true });
    expect(last(target)).toMatchObject({ method: "POST", body: { state: "success" } });
  });

  it("GitHub, as an App: a signed token for the App, another one for its installation", async () => {
    const target = await startReportTarget();
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    target.answer(({ path }) => {
      if (path.endsWith("/installation")) return { body: { id: 99 } };
      if (!path.endsWith("/access_tokens")) return { status: 201 };
      return { body: { token: "inst", expires_at: new Date(Date.now() + 3_600_000).toISOString() } };
    });
    const pem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
    await send(
      gitHubStatus({ name: "s", apiUrl: target.url, app: { id: 12, privateKey: pem } }),
      reportOf(Results.SUCCESS),
    );
    expect(target.calls.map(({ path }) => path)).toEqual([
      "/repos/own/project/installation",
      "/app/installations/99/access_tokens",
      `/repos/own/project/statuses/${revision}`,
    ]);
    expect(last(target).headers.authorization).toBe("Bearer inst");
    const [head, claims, signature] = (target.calls[0]?.headers.authorization ?? "").replace("Bearer ", "").split(".");
    const verify = createVerify("RSA-SHA256").update(`${head}.${claims}`);
    expect(verify.verify(publicKey, signature ?? "", "base64url")).toBe(true);
    expect(JSON.parse(Buffer.from(claims ?? "", "base64url").toString())).toMatchObject({ iss: "12" });
    // A dry run needs no login.
    const shown: string[] = [];
    const app = { id: 12, privateKey: pem };
    await send(gitHubChecks({ name: "s", apiUrl: target.url, app }), reportOf(Results.SUCCESS), {
      preview: (what) => void shown.push(what),
    });
    expect(shown).toEqual([expect.stringContaining('"conclusion": "success"')]);
    expect(target.calls).toHaveLength(3);
  });

  it("GitHub, as an App whose token was revoked: with a new one, once; a token that stays refused is left alone for a while", async () => {
    const target = await startReportTarget();
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    let made = 0;
    let valid = 2;
    target.answer(({ path, headers }) => {
      if (path.endsWith("/installation")) return { body: { id: 99 } };
      if (path.endsWith("/access_tokens"))
        return { body: { token: `inst${++made}`, expires_at: new Date(Date.now() + 3_600_000).toISOString() } };
      return { status: headers.authorization === `Bearer inst${valid}` ? 201 : 401 };
    });
    const pem = privateKey.export({ type: "pkcs1", format: "pem" }).toString();
    const status = gitHubStatus({ name: "s", apiUrl: target.url, app: { id: 12, privateKey: pem, installation: 99 } });
    await send(status, reportOf(Results.SUCCESS));
    expect([made, last(target).headers.authorization]).toEqual([2, "Bearer inst2"]);
    valid = 99;
    const refused = { failure: { of: "target", retryAfterMs: 600_000 } };
    await expect(send(status, reportOf(Results.SUCCESS))).rejects.toMatchObject(refused);
    expect(made).toBe(4);
    const plain = gitHubStatus({ name: "s", apiUrl: target.url, token: "revoked" });
    await expect(send(plain, reportOf(Results.SUCCESS))).rejects.toMatchObject(refused);
  });

  it("GitHub, as a check with failing tests at their lines, and as a comment that is edited", async () => {
    const target = await startReportTarget();
    target.answer(() => ({ status: 201, body: { id: 77 } }));
    const checks = gitHubChecks({ name: "s", apiUrl: target.url, token: "t0ken" });
    let memory: string | undefined;
    const remember = (value: string) => void (memory = value);
    await send(checks, reportOf(null), { remember });
    expect(last(target)).toMatchObject({
      method: "POST",
      path: "/repos/own/project/check-runs",
      body: { name: "ci/web", head_sha: revision, status: "in_progress", external_id: "test-812" },
    });
    await send(checks, reportOf(Results.FAILURE), { id: "test-7-2", remember, memory });
    expect(last(target)).toMatchObject({
      method: "PATCH",
      path: "/repos/own/project/check-runs/77",
      body: {
        status: "completed",
        conclusion: "failure",
        output: { annotations: [{ path: "test/list.test.ts", start_line: 12, annotation_level: "failure" }] },
      },
    });
    const comments = gitHubComment({ name: "c", apiUrl: target.url, token: "t0ken" });
    const ofRequest = (results: 0 | 2): ReturnType<typeof reportOf> => {
      const { build, ...report } = reportOf(results);
      const sources = (build?.sources ?? []).map((source) => ({ ...source, branch: "refs/pull/12/merge" }));
      return { ...report, build: build && { ...build, sources } };
    };
    memory = undefined;
    await send(comments, ofRequest(Results.FAILURE), { remember });
    expect(last(target)).toMatchObject({ method: "POST", path: "/repos/own/project/issues/12/comments" });
    await send(comments, ofRequest(Results.SUCCESS), { remember, memory });
    expect(last(target)).toMatchObject({ method: "PATCH", path: "/repos/own/project/issues/comments/77" });
  });

  it("GitLab, Gitea, Bitbucket Cloud and Bitbucket Data Center", async () => {
    const target = await startReportTarget();
    await send(gitLabStatus({ name: "s", url: target.url, token: "gl" }), reportOf(Results.CANCELLED));
    expect(last(target)).toMatchObject({
      path: `/api/v4/projects/own%2Fproject/statuses/${revision}`,
      headers: { "private-token": "gl" },
      body: { state: "canceled", name: "ci/web", ref: "main", target_url: pageOfBuild },
    });
    // A second attempt at what GitLab has.
    target.answer(() => ({ status: 400, body: { message: "Cannot transition status via :run from :running" } }));
    await send(gitLabStatus({ name: "s", url: target.url, token: "gl" }), reportOf(null));
    target.answer(() => ({ status: 201 }));
    await send(giteaStatus({ name: "s", url: target.url, token: "gt" }), reportOf(Results.SUCCESS));
    expect(last(target)).toMatchObject({
      path: `/api/v1/repos/own/project/statuses/${revision}`,
      headers: { authorization: "token gt" },
      body: { state: "success", context: "ci/web" },
    });
    await send(bitbucketCloudStatus({ name: "s", apiUrl: target.url, user: "u", password: "p" }), reportOf(null));
    expect(last(target)).toMatchObject({
      path: `/repositories/own/project/commit/${revision}/statuses/build`,
      headers: { authorization: `Basic ${Buffer.from("u:p").toString("base64")}` },
      body: { key: "ci/web", state: "INPROGRESS", url: pageOfBuild },
    });
    await send(bitbucketServerStatus({ name: "s", url: target.url, token: "bs" }), reportOf(Results.FAILURE));
    expect(last(target)).toMatchObject({
      path: `/rest/api/latest/projects/own/repos/project/commits/${revision}/builds`,
      headers: { authorization: "Bearer bs" },
      body: { key: "ci/web", state: "FAILED", buildNumber: "81", duration: 272_000, ref: "refs/heads/main" },
    });
  });

  it("Gerrit: a vote and a comment on the patch set", async () => {
    const target = await startReportTarget();
    const review = gerritReview({ name: "g", url: target.url, user: "ci", password: "pw" });
    const about = { "event.change.number": 1234, "event.patchSet.revision": revision };
    await send(review, reportOf(Results.FAILURE, about));
    expect(last(target)).toMatchObject({
      method: "POST",
      path: `/a/changes/1234/revisions/${revision}/review`,
      body: { labels: { Verified: -1 }, tag: "autogenerated:multimaster~web", notify: "OWNER" },
    });
    expect(last(target).body.message).toContain(pageOfBuild);
    // No part of a path: it would lead the password elsewhere.
    for (const wrong of [{ "event.change.number": ".." }, { ...about, "event.patchSet.revision": ".." }])
      await send(review, reportOf(Results.FAILURE, wrong));
    expect(target.calls).toHaveLength(1);
  });
});

it("a program gets builds in Buildbot's shape or as CloudEvents, signed", async () => {
  const target = await startReportTarget();
  await send(httpPush({ name: "p", url: `${target.url}/in`, secret: "a long secret" }), reportOf(Results.FAILURE));
  const { headers, text, body } = last(target);
  const signature = createHmac("sha256", "a long secret").update(text).digest("hex");
  expect(headers).toMatchObject({ "x-hub-signature-256": `sha256=${signature}`, "idempotency-key": "test-7-1" });
  expect(body).toMatchObject({
    buildid: 812,
    complete: true,
    results: 2,
    builder: { name: "web" },
    buildset: { sourcestamps: [{ branch: "main", revision }] },
    properties: { scheduler: ["push", "Build"] },
    steps: [{ name: "compile" }, { name: "test", results: 2 }],
    url: pageOfBuild,
  });
  await send(httpPush({ name: "p", url: target.url, format: "cloudevents" }), reportOf(Results.SUCCESS));
  expect(last(target).headers["content-type"]).toBe("application/cloudevents+json; charset=utf-8");
  expect(last(target).body).toMatchObject({
    specversion: "1.0",
    id: "test-7-1",
    source: "https://ci.example.org/",
    type: "multimaster.build-ended",
    subject: "builders/web/builds/81",
    time: "2023-11-14T22:13:20.000Z",
    data: { buildid: 812 },
  });
});

describe("chats get a message as their API wants it:", () => {
  it("Slack, Discord, Mattermost and Teams, by webhooks", async () => {
    const target = await startReportTarget();
    const url = `${target.url}/hook/s3cret`;
    await send(slack({ name: "c", url }), reportOf(Results.FAILURE));
    expect(last(target).body).toMatchObject({
      attachments: [{ title: "web #81 fails now on main", color: "#cf222e", title_link: pageOfBuild }],
    });
    expect(last(target).body.attachments[0].text).toContain("&lt;!&gt;");
    await send(discord({ name: "c", url }), reportOf(Results.SUCCESS));
    expect(last(target)).toMatchObject({
      path: "/hook/s3cret?wait=true",
      body: { embeds: [{ title: "web #81 success on main", color: 0x1a7f37 }], allowed_mentions: { parse: [] } },
    });
    await send(mattermost({ name: "c", url, channel: "town" }), reportOf(Results.FAILURE));
    expect(last(target).body).toMatchObject({ channel: "town", text: expect.stringContaining(`](${pageOfBuild})**`) });
    await send(teams({ name: "c", url }), reportOf(Results.FAILURE));
    expect(last(target).body).toMatchObject({
      type: "message",
      attachments: [{ contentType: "application/vnd.microsoft.card.adaptive", content: { type: "AdaptiveCard" } }],
    });
  });

  it("Matrix with a transaction that a second attempt repeats, Zulip, Telegram", async () => {
    const target = await startReportTarget();
    const room = matrix({ name: "c", url: target.url, token: "mx", room: "!r:example.org" });
    await send(room, reportOf(Results.FAILURE));
    await send(room, reportOf(Results.FAILURE), { unsure: true });
    expect(target.calls[0]?.path).toMatch(
      /^\/_matrix\/client\/v3\/rooms\/!r%3Aexample.org\/send\/m.room.message\/[0-9a-f]{64}$/,
    );
    expect(target.calls[1]?.path).toBe(target.calls[0]?.path);
    expect(last(target)).toMatchObject({ method: "PUT", headers: { authorization: "Bearer mx" } });
    expect(last(target).body).toMatchObject({ msgtype: "m.notice", format: "org.matrix.custom.html" });
    await send(
      zulip({ name: "c", url: target.url, email: "b@x", key: "k3y", stream: "builds" }),
      reportOf(Results.SUCCESS),
    );
    expect(Object.fromEntries(new URLSearchParams(last(target).text))).toMatchObject({
      type: "stream",
      to: "builds",
      topic: "web",
    });
    await send(telegram({ name: "c", url: target.url, token: "1:abc", chat: -5 }), reportOf(Results.SUCCESS));
    expect(last(target)).toMatchObject({ path: "/bot1:abc/sendMessage", body: { chat_id: -5, parse_mode: "HTML" } });
    target.answer(() => ({ status: 429, body: { parameters: { retry_after: 7 } } }));
    const limited = send(telegram({ name: "c", url: target.url, token: "1:abc", chat: -5 }), reportOf(Results.SUCCESS));
    await expect(limited).rejects.toMatchObject({ failure: { of: "target", retryAfterMs: 7000 } });
  });
});

describe("what an operator reads when a target does not take a report, and whether it may have arrived:", () => {
  const push = (url: string, more: object = {}) =>
    send(httpPush({ name: "p", url, ...more }), reportOf(Results.SUCCESS));
  const host = (url: string) => new URL(url).host;

  it("statuses, and when to come again", async () => {
    const target = await startReportTarget();
    const at = host(target.url);
    const expectFailure = async (answer: object, sentence: string, failure: object) => {
      target.answer(() => answer);
      await expect(push(`${target.url}/s3cret`)).rejects.toMatchObject({ message: sentence, failure });
    };
    const soon = { "retry-after": "30" };
    await expectFailure({ status: 429, headers: soon }, `${at} limits the rate: {}`, {
      of: "target",
      retryAfterMs: 30_000,
    });
    await expectFailure(
      { status: 403, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" }, body: { message: "slow" } },
      `${at} limits the rate: slow`,
      { of: "target", retryAfterMs: 0 },
    );
    await expectFailure({ status: 500, body: { message: "oops" } }, `${at} answers 500: oops`, {
      of: "target",
      unsure: true,
    });
    await expectFailure(
      { status: 401, body: { message: "Bad credentials" } },
      `${at} refuses the credentials (401): are they revoked or expired?: Bad credentials`,
      { of: "target" },
    );
    await expectFailure({ status: 422, body: { message: "no" } }, `${at} refuses the report (422): no`, {
      of: "report",
    });
    await expectFailure(
      { status: 410, body: "" },
      `${at} takes no reports at this address (410): is it removed, or wrong?`,
      { of: "target" },
    );
    // No report gets through an address that has moved, or takes another method.
    for (const status of [302, 308, 405])
      await expectFailure(
        { status, headers: { location: "/elsewhere" }, body: "" },
        `${at} takes no reports at this address (${status}): is it removed, or wrong?`,
        { of: "target" },
      );
    target.answer(() => ({ status: 410, body: "issues are disabled" }));
    const status = gitHubStatus({ name: "s", apiUrl: target.url, token: "t0ken" });
    await expect(send(status, reportOf(Results.SUCCESS))).rejects.toMatchObject({
      message: `${at} says that it is gone for good (410): issues are disabled`,
      failure: { of: "refused" },
    });
  });

  it("no answer, half of one, no server, and a certificate that no one vouches for", async () => {
    const target = await startReportTarget();
    const at = host(target.url);
    target.answer(() => () => undefined);
    await expect(push(target.url, { timeout: 0.3 })).rejects.toMatchObject({
      message: `${at} did not answer within 0.3 s`,
      failure: { of: "target", unsure: true },
    });
    target.answer(() => (response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
      setImmediate(() => response.destroy());
    });
    await expect(push(target.url)).rejects.toMatchObject({
      message: `${at} broke the connection off`,
      failure: { of: "target", unsure: true },
    });
    await expect(push("http://127.0.0.1:1/")).rejects.toMatchObject({
      message: expect.stringContaining("127.0.0.1:1 cannot be reached"),
      failure: { of: "target", unsure: false },
    });
  });
});
