import { insertApiToken, queryRows } from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { join } from "../../harness/members.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { runCommandLine } from "../../harness/run-command-line.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";

/** The token of the command line. */
let caller = "mmt_web";

const run = (url: string, ...args: string[]) => runCommandLine({ url, token: caller }, ...args);

describe.each(engines)("cancelling by a filter on %s", (engine) => {
  it("cancels each request that matches and that the caller may cancel, with a row in the audit trail", async () => {
    const database = await newDatabase(engine);
    await insertApiToken(database, "mmt_web", { name: "web", roles: ["web"], scope: "all", seconds: null });
    await insertApiToken(database, "mmt_admin", { name: "admin", roles: ["admins"], scope: "all", seconds: null });
    const { url, get } = await startRestServer(database, {
      authorization: {
        rules: [
          { allow: "read", on: "*", to: ["anyone"] },
          { allow: "cancel", on: "buildrequests", builders: ["web*"], to: ["role:web"] },
          { allow: "cancel", on: "buildrequests", to: ["role:admins"] },
        ],
        otherwise: "deny",
        roles: { web: {}, admins: {} },
      },
    });
    const { lease } = await join(database);
    const updates = updatesOf(database, lease);
    const add = async (builder: string, branch: string) => {
      const stamp = { branch, revision: null, repository: "r", project: "", codebase: "" };
      const set = { reason: "nightly run", sourceStamps: [stamp], builders: [builder], scheduler: null };
      return Object.values((await updates.buildsets.add(set)).requests)[0] as number;
    };
    const one = await add("web-1", "main");
    const running = await add("web-2", "main");
    const db = await add("db", "main");
    const other = await add("web-1", "next");
    await updates.buildrequests.claim([running]);
    const call = async (params: object, token = "mmt_web") => {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "cancel", params });
      const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
      const response = await fetch(`${url}api/v2/buildrequests`, { method: "POST", body, headers });
      return {
        status: response.status,
        ...((await response.json()) as { result?: unknown; error?: { message: string } }),
      };
    };

    const dry = await run(url, "cancel", "--branch", "main", "--dry-run");
    for (const [id, outcome] of [
      [one, "found"],
      [running, "found"],
      [db, "refused"],
    ] as const)
      expect(dry.printed).toMatch(new RegExp(`^${id}\\t.*\\t${outcome}`, "m"));
    expect(await queryRows(database, "select * from mm_audit")).toEqual([]);
    expect(
      await call({ filter: { builders: ["web*"], branch: "main", state: "running" }, reason: "old" }),
    ).toMatchObject({
      result: { requests: [{ buildrequestid: running, outcome: "stopping" }], more: false },
    });
    const done = await run(url, "cancel", "--branch", "main", "--matching", "nightly", "--reason", "old");
    expect(done.printed).toMatch(new RegExp(`^${one}\\tweb-1\\tmain\\tcancelled`, "m"));
    expect(done.printed).toMatch(new RegExp(`^${db}\\tdb\\tmain\\trefused`, "m"));
    const states = async () => (await get("/api/v2/buildrequests?order=buildrequestid")).body.buildrequests;
    expect((await states()).map(({ results }: { results: number }) => results)).toEqual([6, -1, -1, -1]);
    expect((await get(`/api/v2/buildrequests/${one}/why`)).body.waiting[0].reasons[0].sentence).toBe(
      "It is complete: cancelled (by web: old).",
    );
    const trail = await queryRows(
      database,
      "select action, object, detail from mm_audit where outcome = 'done' order by id",
    );
    expect(trail).toEqual([
      { action: "cancel", object: `buildrequests/${running}`, detail: expect.stringContaining('"state":"running"') },
      { action: "cancel", object: `buildrequests/${one}`, detail: expect.stringContaining('"reason":"nightly"') },
    ]);

    // Nothing of it may be cancelled by this caller.
    expect(await call({ filter: { builders: ["db"] } })).toMatchObject({ status: 403 });
    expect(await call({ filter: { scheduler: "none" } })).toMatchObject({ status: 403 });
    for (const [params, message] of [
      [{ filter: {} }, /'filter' needs at least one field besides 'state'/],
      [{ filter: { state: "pending" } }, /'filter' needs at least one field besides 'state'/],
      [{ filter: { builders: ["nope"] } }, /no builder has a name like "nope"/],
      [{ filter: { branch: 3 } }, /expected/],
    ] as const)
      expect(await call(params, "mmt_admin")).toMatchObject({
        status: expect.any(Number),
        error: { message: expect.stringMatching(message) },
      });
    // More than one call handles, of which it may cancel only the last.
    const stamp = { branch: "many", revision: null, repository: "r", project: "", codebase: "" };
    const many = { reason: "", sourceStamps: [stamp], scheduler: null };
    const dbs = await updates.buildsets.add({ ...many, builders: Array.from({ length: 501 }, (_, i) => `db-${i}`) });
    expect(Object.keys(dbs.requests)).toHaveLength(501);
    expect(await call({ filter: { branch: "many" } })).toMatchObject({ status: 403 });
    const last = await add("web-1", "many");
    expect(await call({ filter: { branch: "many" }, dry_run: true, after: last })).toMatchObject({
      result: { requests: [], more: false },
    });
    const past = await run(url, "cancel", "--branch", "many");
    expect(past.printed).toMatch(new RegExp(`^${last}\\tweb-1\\tmany\\tcancelled`, "m"));
    caller = "mmt_admin";
    const listed = await run(url, "cancel", "--branch", "many", "--dry-run");
    caller = "mmt_web";
    for (const name of ["db-0", "db-500"]) expect(listed.printed).toContain(`\t${name}\t`);
    const all = await call({ filter: { branch: "many" }, dry_run: true }, "mmt_admin");
    expect(all).toMatchObject({ result: { more: true } });
    const { requests } = all.result as { requests: { buildrequestid: number }[] };
    const rest = await call(
      { filter: { branch: "many" }, dry_run: true, after: requests.at(-1)?.buildrequestid },
      "mmt_admin",
    );
    expect(rest).toMatchObject({ result: { requests: [{ builder: "db-500" }], more: false } });

    expect((await run(url, "cancel")).printed).toMatch(/Name a build request/);
    expect((await run(url, "cancel", String(other), "--branch", "next")).printed).toMatch(/Name a build request/);
    expect((await states())[3].complete).toBe(false);
  });
});
