import { insertApiToken, queryRows } from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { addRequests, join } from "../../harness/members.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { runCommandLine } from "../../harness/run-command-line.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";

const run = (url: string, token: string, ...args: string[]) => runCommandLine({ url, token }, ...args);

describe.each(engines)("approvals by REST and on the command line on %s", (engine) => {
  it("are given by who has the right, never by the owner of the request, as the audit trail says", async () => {
    const database = await newDatabase(engine);
    for (const [token, role] of [
      ["mmt_lead", "leads"],
      ["mmt_other", "others"],
    ] as const)
      await insertApiToken(database, token, { name: role, roles: [role], scope: "all", seconds: null });
    const { url, get } = await startRestServer(database, {
      authorization: {
        rules: [
          { allow: "read", on: "*", to: ["anyone"] },
          { allow: ["approve", "reject"], on: "buildrequests", builders: ["run*"], to: ["role:leads", "owner"] },
        ],
        otherwise: "deny",
        roles: { leads: {}, others: {} },
      },
    });
    const { lease } = await join(database);
    const updates = updatesOf(database, lease);
    const [first, second, third] = (await addRequests(database, 3)) as [number, number, number];
    await queryRows(database, `update sourcestamps set revision = '${"abc".repeat(13)}d' returning id`);
    const subject = "pull request of a stranger (refs/pull/7/head at abc)";
    await updates.approvals.ask(
      [first, second].map((buildrequestid) => ({ buildrequestid, subject, expiresInS: null })),
    );

    expect((await get("/api/v2/approvals")).body.approvals).toMatchObject([
      { buildrequestid: first, builder: "runtests", subject, decision: null, expires_at: null },
      { buildrequestid: second },
    ]);
    expect((await get(`/api/v2/buildrequests/${first}/why`)).body.waiting[0].reasons).toMatchObject([
      {
        kind: "awaits_approval",
        sentence: `The ${subject} waits for approval: "master approve ${first}", or the button on the request's page.`,
      },
    ]);
    expect((await run(url, "mmt_other", "why", String(first))).printed).toContain("waits for approval");
    expect((await run(url, "mmt_other", "approve", String(first))).code).not.toBe(0);
    expect(await run(url, "mmt_lead", "approve", String(first), "--reason", "read it")).toMatchObject({
      code: 0,
      printed: `Build request ${first} is approved, and starts as soon as it can.\n`,
    });
    expect(await run(url, "mmt_lead", "reject", String(second))).toMatchObject({
      code: 0,
      printed: `Build request ${second} is rejected, and has ended.\n`,
    });
    expect((await run(url, "mmt_lead", "approve", String(third))).printed).toContain(
      `The build request ${third} does not wait for an approval.`,
    );
    expect(await updates.buildrequests.claim([first, second])).toEqual([first]);
    expect((await get(`/api/v2/approvals/${first}`)).body.approvals).toMatchObject([
      { decision: "approved", decided_by: "leads", reason: "read it" },
    ]);
    const trail = await queryRows<{ what: string }>(
      database,
      "select who || ' ' || action || ' ' || object as what from mm_audit where outcome = 'done' order by id",
    );
    expect(trail.map(({ what }) => what)).toEqual([
      `token:leads approve buildrequests/${first}`,
      `token:leads reject buildrequests/${second}`,
    ]);
  });
});
