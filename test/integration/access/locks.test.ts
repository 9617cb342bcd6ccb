import { insertApiToken, queryRows } from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { addRequests, join } from "../../harness/members.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { runCommandLine } from "../../harness/run-command-line.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";

const db = { name: "db", workerid: 0, max: 1, exclusive: true, count: 1, resources: [], keepMs: 600_000 };

const run = (url: string, ...args: string[]) => runCommandLine({ url, token: "mmt_admin" }, ...args);

describe.each(engines)("locks by REST and on the command line on %s", (engine) => {
  it("show who has them and who waits, and are broken by who may, as the audit trail says", async () => {
    const database = await newDatabase(engine);
    const rights = { roles: ["admins"], scope: "all", seconds: null } as const;
    await insertApiToken(database, "mmt_admin", { name: "admin", ...rights });
    const rule = { allow: "break", on: "lock_holds", to: ["role:admins"] };
    const { url, get } = await startRestServer(database, {
      authorization: {
        rules: [{ allow: "read", on: "*", to: ["anyone"] }, rule],
        otherwise: "deny",
        roles: { admins: {} },
      },
    });
    const { lease } = await join(database);
    const updates = updatesOf(database, lease);
    const [first, second] = (await addRequests(database, 2)) as [number, number];
    for (const buildrequestid of [first, second]) await updates.locks.claim([{ buildrequestid, uses: [db] }]);
    // Another engine asks for the same request.
    const other = await join(database, { name: "other" });
    await updatesOf(database, other.lease).locks.claim([{ buildrequestid: second, uses: [db] }]);

    expect((await get("/api/v2/locks")).body.locks).toMatchObject([
      { name: "db", worker: null, max: 1, holds: 1, waits: 1 },
    ]);
    const [hold] = (await get("/api/v2/lock_holds")).body.lock_holds;
    expect(hold).toMatchObject({
      lock: "db",
      builder: "runtests",
      buildrequestid: first,
      exclusive: true,
      stepid: null,
    });
    expect((await get("/api/v2/lock_waits")).body.lock_waits).toMatchObject([
      { lock: "db", buildrequestid: second },
      { lock: "db", buildrequestid: second, master: "other" },
    ]);

    const list = await run(url, "locks");
    expect(list.printed).toMatch(/^db\thas it\t1\truntests \(request 1\) on \S+\talone/m);
    expect(list.printed.match(/^.*waits.*$/gm)).toEqual([
      expect.stringMatching(/^db\twaits, 1\.\t-\truntests \(request 2\) on \S+ or other\t/),
    ]);
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "break", params: {} });
    const init = { method: "POST", body, headers: { "Content-Type": "application/json" } };
    expect((await fetch(new URL(`/api/v2/lock_holds/${hold.holdid}`, url), init)).status).toBe(403);
    expect(await run(url, "lock", "break", "db")).toMatchObject({
      code: 0,
      printed: expect.stringMatching(
        /^The lock db is taken away from runtests \(request 1\) on \S+, which goes on\.\n$/,
      ),
    });
    expect((await run(url, "lock", "break", "db")).printed).toContain('No build has the lock "db"');
    const trail = await queryRows<{ what: string }>(
      database,
      "select who || ' ' || action || ' ' || object as what from mm_audit where outcome = 'done'",
    );
    expect(trail).toEqual([{ what: `token:admin break lock_holds/${hold.holdid}` }]);
    expect(await updates.locks.claim([{ buildrequestid: second, uses: [db] }])).toMatchObject([{ kind: "taken" }]);
  });
});
