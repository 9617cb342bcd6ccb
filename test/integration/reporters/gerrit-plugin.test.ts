import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { Results } from "@multimaster/core";
import { expect, it } from "vitest";
import { z } from "zod";
import { configFile } from "../../harness/cluster.ts";
import { aWorker, startMasters } from "../../harness/masters-with-data.ts";
import { startRestServer } from "../../harness/rest-server.ts";

const page = z.url({ protocol: /^https?$/ });
const text = z.string().min(1);
const run = z.strictObject({
  attempt: z.int().min(0),
  externalId: text,
  checkName: text,
  checkLink: page,
  status: z.enum(["RUNNABLE", "RUNNING", "COMPLETED"]),
  statusDescription: z.string(),
  statusLink: page,
  startedTimestamp: z.date(),
  finishedTimestamp: z.date().optional(),
  results: z.array(
    z.strictObject({
      category: z.enum(["SUCCESS", "INFO", "WARNING", "ERROR"]),
      summary: text,
      links: z.array(z.strictObject({ url: page, tooltip: text, primary: z.boolean(), icon: z.enum(["external"]) })),
    }),
  ),
});

/** What Gerrit's JavaScript API for checks takes from a provider. */
const answer = z.discriminatedUnion("responseCode", [
  z.strictObject({ responseCode: z.literal("OK"), runs: z.array(run) }),
  z.strictObject({ responseCode: z.literal("ERROR"), errorMessage: text }),
]);

/** Gerrit's page, as far as its plugins see it: the plugin registers once, and is asked for each change that a user opens. */
function openGerrit(cluster: string) {
  const source = readFileSync(configFile("configs/deploy/gerrit/multimaster-checks.js"), "utf8");
  const providers: { fetch(change: object): Promise<unknown> }[] = [];
  const checks = {
    register(provider: (typeof providers)[number], { fetchPollingIntervalSeconds }: Record<string, number>) {
      expect(fetchPollingIntervalSeconds).toBeGreaterThanOrEqual(10);
      providers.push(provider);
    },
  };
  const Gerrit = { install: (start: (plugin: object) => void) => start({ checks: () => checks }) };
  const surroundings = { window: { Gerrit }, fetch, URL, Date, Map };
  runInNewContext(source.replace("https://ci.example.org/", cluster), surroundings);
  expect(providers).toHaveLength(1);
  return async (patchsetSha: string) => {
    const change = { changeNumber: 7, patchsetNumber: 2, patchsetSha, repo: "own/project", changeInfo: {} };
    return answer.parse(await providers[0]?.fetch(change));
  };
}

it("Gerrit's page shows the builds of a patch set, each attempt of a builder once, by the plugin in configs/deploy", async () => {
  const masters = await startMasters("sqlite");
  const member = await masters.join();
  const server = await startRestServer(masters.database, { allowedOrigins: ["https://gerrit.example.org"] });
  const fetchRuns = openGerrit(server.url);
  const revision = "3f1c0de5a9b84f0e8e0b6a7c2d9f4e1a5b6c7d8e";
  expect(await fetchRuns(revision)).toEqual({ responseCode: "OK", runs: [] });

  const source = { revision, branch: "refs/changes/07/7/2", repository: "https://gerrit.example.org/own/project" };
  const { updates } = member;
  for (const comments of ["a patch set", "merged"])
    await updates.changes.add({ author: "Ann <ann@example.org>", comments, ...source });
  const build = async (builder: string) => {
    const sourceStamps = [{ project: "", codebase: "", ...source }];
    const { requests } = await updates.buildsets.add({
      reason: "a patch set",
      sourceStamps,
      builders: [builder],
      scheduler: null,
    });
    const [buildrequestid] = Object.values(requests) as [number];
    await updates.buildrequests.claim([buildrequestid]);
    const made = await updates.builds.create({ buildrequestid, workerid: await aWorker(member) });
    if (made === "lost") throw new Error("the build was not created");
    await updates.builds.setProperties(made.buildid, { buildername: [builder, "Builder"] });
    return made.buildid;
  };
  const failed = await build("web");
  await updates.builds.finish(failed, { results: Results.FAILURE, state: "3 tests failed" });
  await build("web");
  const passed = await build("lint");
  await updates.builds.finish(passed, { results: Results.SUCCESS, state: "build successful" });

  const found = await fetchRuns(revision);
  if (found.responseCode !== "OK") throw new Error(found.errorMessage);
  expect(
    found.runs.map(({ checkName, attempt, status, results }) => [
      checkName,
      attempt,
      status,
      ...results.map(({ category, summary }) => `${category}: ${summary}`),
    ]),
  ).toEqual([
    ["web", 1, "COMPLETED", "ERROR: 3 tests failed"],
    ["web", 2, "RUNNING"],
    ["lint", 1, "COMPLETED", "SUCCESS: build successful"],
  ]);
  expect(found.runs[0]?.statusLink).toBe(`${server.url}/builds/${failed}`.replace(/(?<!:)\/\//, "/"));
  // A browser lets only pages of allowed origins read the answer.
  const { headers, status } = await server.get("/api/v2/changes?limit=1", { origin: "https://gerrit.example.org" });
  expect([status, headers.get("access-control-allow-origin")]).toEqual([200, "https://gerrit.example.org"]);

  await server.stop();
  expect(await fetchRuns(revision)).toMatchObject({
    responseCode: "ERROR",
    errorMessage: expect.stringContaining(`No checks from ${server.url}`),
  });
});
