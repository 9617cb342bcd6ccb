import { execute, insertApiToken } from "@multimaster/database";
import { expect, it } from "vitest";
import { aWorker, buildsetFor, type Member, runningBuild, startMasters } from "../../harness/masters-with-data.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { runCommandLine } from "../../harness/run-command-line.ts";
import { engines } from "../../harness/test-databases.ts";

const uses = [{ name: "cache", workerid: 0, max: 1, exclusive: true, count: 1, resources: [], keepMs: 600_000 }];
const point = { step: 0, standing: { results: 0, halted: false }, texts: [], hash: "h" };
const time = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ";

async function beginStep(member: Member, builder: string) {
  const build = await runningBuild(member, builder);
  const { stepid } = await member.updates.steps.begin({ buildid: build.buildid, name: "work" });
  return { ...build, stepid };
}

it.each(engines)(
  "overviews show a build whose step waits for a lock, and that the holder's master is lost, on %s",
  async (engine) => {
    const masters = await startMasters(engine);
    await execute(masters.database, "update mm_data_version set version = 2");
    const [one, heir] = [await masters.join(), await masters.join()];
    await insertApiToken(masters.database, "mmt_admin", {
      name: "admin",
      roles: ["admins"],
      scope: "all",
      seconds: null,
    });
    const rules = [
      { allow: "read", on: "*", to: ["anyone"] },
      { allow: "break", on: "lock_holds", to: ["role:admins"] },
    ];
    const authorization = { rules, otherwise: "deny" as const, roles: { admins: {} } };
    const { url, get } = await startRestServer(masters.database, { authorization });
    const run = (...args: string[]) => runCommandLine({ url, token: "mmt_admin" }, ...args);
    const [master] = (await get(`/api/v2/masters/${one.lease.masterid}`)).body.masters;

    const holder = await beginStep(one, "runtests");
    await one.updates.locks.takeForSteps([{ ...holder, uses, hasWaited: false }]);
    const waiter = await beginStep(heir, "docs");
    await heir.updates.locks.takeForSteps([{ ...waiter, uses, hasWaited: false }]);
    const held = `lock cache is held by runtests #${holder.number} on ${master.name}`;
    const [row, ...others] = (await get("/api/v2/waiting")).body.waiting;
    expect(others).toEqual([]);
    expect(row).toMatchObject({ buildrequestid: waiter.buildrequestid, reasons: [{ kind: "building" }] });
    expect(row.reasons[0].sentence).toContain(`; its step waits: ${held}.`);
    for (const what of [[], ["docs"]]) expect((await run("why", ...what)).printed).toContain(`${held}.`);

    const workerid = await aWorker(one);
    const { buildid, stepid } = holder;
    const resume = { adoptWithinMs: 60_000, point };
    await one.updates.commands.record({ commandId: "c1", workerid, buildid, stepid, name: "shell", resume });
    await masters.evict(one);
    const next = Object.values((await heir.updates.buildsets.add(buildsetFor("docs"))).requests)[0] as number;
    await heir.updates.locks.claim([{ buildrequestid: next, uses }]);
    const lost = `${held} (${master.name} is lost; its command may still run on w1; kept until ${time} at most)`;
    const asPattern = (text: string) => new RegExp(text.replaceAll(/[()]/g, "\\$&"));
    expect((await run("why", "docs")).printed).toMatch(asPattern(lost));
    expect((await run("why", `${holder.buildrequestid}`)).printed).toMatch(
      asPattern(
        `${master.name} is lost, which built it (build ${holder.number} of its builder): another master goes on .* until ${time};`,
      ),
    );
    expect((await run("why", "runtests")).printed).toContain("is lost, which built it");
    const [hold] = (await get("/api/v2/lock_holds")).body.lock_holds;
    expect(hold).toMatchObject({ buildid, lost: true, kept_until: expect.any(Number) });
    expect((await run("locks")).printed).toMatch(new RegExp(`was lost, free ${time} at the latest`));
    expect((await run("lock", "break", "cache")).printed).toContain("which was lost: its command may still run.");
  },
);
