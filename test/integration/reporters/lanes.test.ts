import { functionOf } from "@multimaster/config";
import { type Result, Results } from "@multimaster/core";
import { defineReporter } from "@multimaster/plugins";
import bitbucketCloudStatus from "@multimaster/plugins/reporters/bitbucket-cloud-status";
import bitbucketServerStatus from "@multimaster/plugins/reporters/bitbucket-server-status";
import giteaStatus from "@multimaster/plugins/reporters/gitea-status";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import gitLabStatus from "@multimaster/plugins/reporters/gitlab-status";
import { reporterShape } from "@multimaster/plugins/reporters/reporter-options";
import { expect, it } from "vitest";
import { z } from "zod";
import { buildOf, type Member, runningBuild, stamp } from "../../harness/masters-with-data.ts";
import { startReportTarget } from "../../harness/report-target.ts";
import { startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { waitFor } from "../../harness/wait-for.ts";

type Ask = (builder: string, number: number) => Promise<void>;

/** A reporter whose option is a function that may hang. */
const asking = defineReporter({
  type: "asking",
  options: z.strictObject({ ...reporterShape, ask: functionOf<Ask>("a function") }),
  events: ["build-ended"],
  contextOf: ({ build }) => `build ${build?.buildid}`,
  open: (_, { ask }) => ({
    send: async ({ build }) => ask(build?.builder ?? "", build?.buildid ?? 0),
  }),
});

const success = { results: Results.SUCCESS, state: "fine" };

it("a function of the config that hangs holds up only its own report, and what it did is shown", async () => {
  const cluster = await startSchedulerCluster("sqlite");
  const asked: number[] = [];
  const ask: Ask = (_, buildid) => {
    asked.push(buildid);
    return buildid === 1 ? new Promise(() => {}) : Promise.resolve();
  };
  await (await cluster.add({ reporters: [asking({ name: "ask", ask, attempts: 1 })] })).start();
  const master = await cluster.add({});
  const builder = { lease: master.lease, updates: master.data.updates, database: undefined as never };
  for (let i = 0; i < 12; i++) {
    const { buildid } = await runningBuild(builder);
    await builder.updates.builds.finish(buildid, success);
  }
  const states = () =>
    cluster.rows<{ objectid: number; state: string; problem: string | null }>(
      "select objectid, state, problem from mm_reports order by objectid",
    );
  // The others arrive while the first one hangs.
  await waitFor(async () => (await states()).filter(({ state }) => state === "sent").length === 11, {
    what: "eleven reports",
  });
  expect((await states())[0]).toMatchObject({ objectid: 1, state: "owed" });
  await waitFor(async () => (await states())[0]?.state === "dead", { what: "the end of the wait", timeoutMs: 60_000 });
  expect((await states())[0]?.problem).toBe('the function "ask" of the config failed: it did not answer within 10 s');
  expect(asked.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
});

async function build(member: Member, results: Result): Promise<number> {
  const source = { ...stamp, repository: "https://forge.example.org/own/r.git" };
  const buildid = await buildOf(member, [source]);
  await member.updates.builds.finish(buildid, { results, state: "done" });
  return buildid;
}

it("a status that modes or a filter choose by its end is not begun before, and what a forge shows is always brought to its end", async () => {
  const cluster = await startSchedulerCluster("sqlite");
  const forges = [
    (url: string, more: object) => gitHubStatus({ name: "github", apiUrl: url, token: "t0ken", ...more }),
    (url: string, more: object) => gitLabStatus({ name: "gitlab", url, token: "t0ken", ...more }),
    (url: string, more: object) => giteaStatus({ name: "gitea", url, token: "t0ken", ...more }),
    (url: string, more: object) => bitbucketCloudStatus({ name: "cloud", apiUrl: url, token: "t0ken", ...more }),
    (url: string, more: object) => bitbucketServerStatus({ name: "server", url, token: "t0ken", ...more }),
  ];
  const targets = await Promise.all(forges.map(() => startReportTarget()));
  for (const target of targets) target.answer(() => ({ status: 201, body: {} }));
  const filtered = await startReportTarget();
  filtered.answer(() => ({ status: 201, body: {} }));
  const filter = ({ build: one }: { build?: { results: number | null } | undefined }) =>
    one?.results === null || one?.results === Results.FAILURE;
  const reporters = [
    ...forges.map((forge, i) => forge(targets[i]?.url ?? "", { modes: ["failing"] })),
    gitHubStatus({ name: "filtered", apiUrl: filtered.url, token: "t0ken", filter }),
  ];
  await (await cluster.add({ reporters })).start();
  const master = await cluster.add({});
  const member = { lease: master.lease, updates: master.data.updates, database: undefined as never };
  const settled = (count: number) =>
    waitFor(
      async () =>
        (await cluster.rows("select id from mm_outbox where owed = 1")).length === 0 &&
        (await cluster.rows("select id from mm_reports where state = 'owed'")).length === 0 &&
        filtered.calls.length >= count,
      { what: "all reports", timeoutMs: 60_000 },
    );
  const shown = () => targets.map(({ calls }) => calls.map(({ body }) => String(body.state).toLowerCase()));
  await build(member, Results.SUCCESS);
  await settled(1);
  expect(shown()).toEqual(forges.map(() => []));
  expect(filtered.calls.at(-1)?.body.state).toBe("success");
  await build(member, Results.FAILURE);
  await settled(2);
  expect(shown()).toEqual(
    ["failure", "failed", "failure", "failed", "failed"].map((state) => [expect.stringMatching(state)]),
  );
  // It passes when it is built again: the forge must not show the failure for ever.
  await build(member, Results.SUCCESS);
  await settled(3);
  for (const states of shown()) expect(states.at(-1)).toMatch(/^success/);
  expect(filtered.calls.at(-1)?.body.state).toBe("success");
});
