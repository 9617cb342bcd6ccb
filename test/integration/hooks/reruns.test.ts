import { Results } from "@multimaster/core";
import { execute, hashColumns, queryRows } from "@multimaster/database";
import github from "@multimaster/plugins/hooks/github";
import { describe, expect, it } from "vitest";
import { deliver, secret } from "../../harness/deliver-hook.ts";
import { aWorker, buildsetFor, stamp, startMasters, type TestMasters } from "../../harness/masters-with-data.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { engines } from "../../harness/test-databases.ts";

const sha = "3f1c0de5a9b84f0e8e0b6a7c2d9f4e1a5b6c7d8e";
const repository = { full_name: "Own/Project" };
const sender = { login: "ann" };

/** Builds of a commit that have ended, reported as checks by a reporter. */
async function reported(masters: TestMasters, builders: string[]) {
  const member = await masters.join();
  const workerid = await aWorker(member);
  const ids = await member.updates.reports.register([
    { name: "checks", type: "github-checks", kinds: ["build-ended"] },
  ]);
  const reporter = ids.get("checks") as number;
  await member.updates.reports.claim(reporter);
  const sourceStamps = [{ ...stamp, revision: sha }];
  const { requests } = await member.updates.buildsets.add({ ...buildsetFor(...builders), sourceStamps });
  const builds: number[] = [];
  for (const buildrequestid of Object.values(requests)) {
    await member.updates.buildrequests.claim([buildrequestid]);
    const build = await member.updates.builds.create({ buildrequestid, workerid });
    if (build === "lost") throw new Error("the build was not created");
    await member.updates.builds.finish(build.buildid, { results: Results.FAILURE, state: "no" });
    builds.push(build.buildid);
  }
  const shown = builds.map((buildid) => ({ buildid, target: `own/project@${sha}` }));
  await member.updates.reports.end(reporter, new Map(), { problem: null, pauseS: null, sent: 0 }, new Map(), shown);
  return { member, builds };
}

const name = "farm-1";

/** A ui master of the cluster of that name. */
const serve = ({ database }: TestMasters, hook = github({ secret })) =>
  startRestServer(database, { hooks: [hook] }, undefined, undefined, { name });

const rebuilt = (masters: TestMasters) =>
  masters.rows<{ of: number; reason: string }>(
    'select rebuilt_buildid as "of", reason from buildsets where rebuilt_buildid is not null order by id',
  );

describe.each(engines)("a user of GitHub, on %s,", (engine) => {
  it("runs a check again by either button, once while it runs", async () => {
    const masters = await startMasters(engine);
    const { member, builds } = await reported(masters, ["one", "two"]);
    const server = await serve(masters);
    const run = (payload: object) => deliver(server, { forge: "github", event: "check_run", payload });
    const check = { check_run: { external_id: `${name}-${builds[0]}`, head_sha: sha }, repository, sender };
    expect(await run({ action: "rerequested", ...check })).toEqual({ status: 202, text: "1 build runs again" });
    expect(await rebuilt(masters)).toEqual([{ of: builds[0], reason: "run again, asked for by ann at GitHub" }]);
    const pressed = { action: "requested_action", requested_action: { identifier: "rerun" }, ...check };
    expect(await run(pressed)).toEqual({ status: 200, text: "nothing runs again: what was asked for has not ended" });
    await execute(masters.database, "update buildsets set complete = 1");
    expect(await run(pressed)).toEqual({ status: 202, text: "1 build runs again" });
    expect(await rebuilt(masters)).toHaveLength(2);
    await member.updates.close();
  });

  it("runs all checks of a commit again", async () => {
    const masters = await startMasters(engine);
    const { builds } = await reported(masters, ["one", "two", "three"]);
    const server = await serve(masters);
    const payload = { action: "rerequested", check_suite: { head_sha: sha }, repository, sender };
    expect(await deliver(server, { forge: "github", event: "check_suite", payload })).toEqual({
      status: 202,
      text: "3 builds run again",
    });
    expect((await rebuilt(masters)).map(({ of }) => of)).toEqual(builds);
  });

  it("cannot run what was not reported, or without the secret", async () => {
    const masters = await startMasters(engine);
    const { builds } = await reported(masters, ["one"]);
    const server = await serve(masters);
    const check_run = { external_id: `${name}-${builds[0]}`, head_sha: sha };
    const run = async (payload: object, more: { signature?: string | null } = {}) =>
      deliver(server, {
        forge: "github",
        event: "check_run",
        payload: { action: "rerequested", repository, ...payload },
        ...more,
      });
    const none = { status: 200, text: "nothing runs again: no build was reported as this, or it is too long ago" };
    expect(await run({ check_run: { ...check_run, head_sha: "abc" } })).toEqual(none);
    expect(await run({ check_run, repository: { full_name: "other/project" } })).toEqual(none);
    expect(await run({ check_run: { ...check_run, external_id: `${name}-99999` } })).toEqual(none);
    for (const external_id of [
      `other-${builds[0]}`,
      `${name}-x`,
      `${name}-99999999999`,
      `${name}-9999999999`,
      `${name}-0`,
    ])
      expect((await run({ check_run: { ...check_run, external_id } })).text).toContain("is no check of this cluster");
    expect((await run({ check_run: { head_sha: sha } })).text).toContain("it has no external_id");
    expect((await run({ check_run, action: "created" })).text).toBe("no change found: check_run created");
    const other = { check_run, action: "requested_action", requested_action: { identifier: "deploy" } };
    expect((await run(other)).text).toContain("the action deploy is not one of this cluster");
    expect((await run({ check_run }, { signature: null })).status).toBe(401);
    expect((await run({ check_run }, { signature: "sha256=00" })).status).toBe(403);
    for (const hook of [github({ anybody: true }), github({ secret, strict: false })]) {
      const lax = await serve(masters, hook);
      const payload = { action: "rerequested", check_run, repository };
      const answer = await deliver(lax, { forge: "github", event: "check_run", payload, signature: null });
      expect(answer.text).toContain("builds run again only for a hook with a secret");
    }
    // A reporter that no config names any more.
    await execute(masters.database, "update mm_reporters set configured = 0");
    expect(await run({ check_run })).toEqual(none);
    expect(await rebuilt(masters)).toEqual([]);
  });

  it("is forgotten after three months", async () => {
    const masters = await startMasters(engine);
    await reported(masters, ["one"]);
    await execute(masters.database, "update mm_reported_builds set at = at - 8000000, target = ?", [
      hashColumns("old"),
    ]);
    await reported(masters, ["two"]);
    expect(await queryRows(masters.database, "select 1 as one from mm_reported_builds")).toHaveLength(1);
  });
});
