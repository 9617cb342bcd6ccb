import { insertApiToken, queryRows } from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { join } from "../../harness/members.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";
import { updatesOf } from "../../harness/updates-of.ts";

describe.each(engines)("instances of latent workers by REST on %s", (engine) => {
  it("are destroyed by who may, once, as the audit trail says", async () => {
    const database = await newDatabase(engine);
    const rights = { roles: ["admins"], scope: "all", seconds: null } as const;
    await insertApiToken(database, "mmt_admin", { name: "admin", ...rights });
    const { url } = await startRestServer(database, {
      authorization: {
        rules: [
          { allow: "read", on: "*", to: ["anyone"] },
          { allow: "destroy", on: "workerinstances", to: ["role:admins"] },
        ],
        otherwise: "deny",
        roles: { admins: {} },
      },
    });
    const { lease } = await join(database);
    const { instances } = updatesOf(database, lease);
    const latent = { name: "pool", kind: "docker", minInstances: 0, maxInstances: 1, workers: ["pool-1"] };
    await instances.register([latent]);
    const [slot] = await queryRows<{ id: number }>(database, "select id from workers where name = 'pool-1'");
    const workerid = slot?.id as number;
    const demand = { latent: "pool", kind: "docker", minInstances: 1, maxInstances: 1, parallelStarts: 1, slots: 1 };
    const where = { workerids: [workerid], places: [], host: null, masterUrl: "ws://m", requests: [], isBound: false };
    const [made] = await instances.reserve({ ...demand, ...where });
    const path = `/api/v2/workerinstances/${made?.instanceid}`;
    const destroy = async (token?: string) => {
      const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "destroy", params: {} });
      return (await fetch(new URL(path, url), { method: "POST", body, headers })).status;
    };
    const read = async () => (await (await fetch(new URL(path, url))).json()) as { workerinstances: unknown };

    expect(await read()).toMatchObject({ workerinstances: [{ worker: "pool-1", destroyed: false, buildid: null }] });
    expect(await destroy()).toBe(403);
    expect(await destroy("mmt_admin")).toBe(200);
    expect(await destroy("mmt_admin")).toBe(200);
    expect(await read()).toMatchObject({ workerinstances: [{ worker: "pool-1", destroyed: true }] });
    expect((await instances.read()).instances).toMatchObject([{ destroyed: 1 }]);

    await instances.forget(made?.instanceid as number);
    // Its number is a label of what may still be at its provider.
    const [next] = await instances.reserve({ ...demand, ...where });
    expect(next?.instanceid).toBeGreaterThan(made?.instanceid as number);
    await instances.forget(next?.instanceid as number);
    expect(await queryRows(database, "select * from mm_instance_destroys")).toEqual([]);
    expect(await destroy("mmt_admin")).toBe(404);
    const trail = await queryRows<{ what: string }>(
      database,
      "select who || ' ' || action || ' ' || object as what from mm_audit where outcome = 'done'",
    );
    expect(new Set(trail.map(({ what }) => what))).toEqual(
      new Set([`token:admin destroy workerinstances/${made?.instanceid}`]),
    );
  });
});
