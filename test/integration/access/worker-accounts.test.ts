import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openPasswordMd5 } from "@multimaster/core";
import { insertApiToken, queryRows } from "@multimaster/database";
import { afterEach, describe, expect, it, vi } from "vitest";
import { main } from "../../../packages/cli/src/main.ts";
import { startRestServer } from "../../harness/rest-server.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { engines, newDatabase, openTestDatabase } from "../../harness/test-databases.ts";

describe.each(engines)("accounts of workers by REST on %s", (engine) => {
  async function open(authorization?: object) {
    const database = await newDatabase(engine);
    const rights = { roles: ["admins"], scope: "all", seconds: null } as const;
    await insertApiToken(database, "mmt_admin", { name: "admin", ...rights });
    const server = await startRestServer(database, authorization ? { authorization } : {});
    const headers = { Authorization: "Bearer mmt_admin", "Content-Type": "application/json" };
    const call = async (path: string, method: string, params: object = {}) => {
      const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
      const answer = await fetch(new URL(`/api/v2/${path}`, server.url), { method: "POST", headers, body });
      return {
        status: answer.status,
        ...((await answer.json()) as { result?: { secret: string; accountid: number } }),
      };
    };
    return { database, call, read: () => server.get("/api/v2/worker_accounts", headers) };
  }

  it("are closed unless a rule names them, also where everybody may do everything", async () => {
    const everything = { allow: "*", on: "*", to: ["anyone"] };
    for (const rules of [undefined, { rules: [everything], otherwise: "allow" }]) {
      const { call, read, database } = await open(rules);
      expect((await call("worker_accounts", "add", { name: "w1" })).status).toBe(403);
      expect((await read()).status).toBe(403);
      expect(await queryRows(database, "select * from mm_worker_accounts")).toEqual([]);
    }
  });

  it("are added once per name, shown without their secrets, revoked once, and in the audit trail", async () => {
    const rule = { allow: "*", on: "worker_accounts", to: ["role:admins"] };
    const { call, read, database } = await open({ rules: [rule], otherwise: "deny", roles: { admins: {} } });
    const { result } = await call("worker_accounts", "add", { name: "w1", max_builds: 2, properties: { os: "linux" } });
    expect(result?.secret).toMatch(/^mmw_[\w-]{43}$/);
    expect((await call("worker_accounts", "add", { name: "w1" })).status).toBe(409);
    for (const wrong of [{ name: "a b" }, { name: "" }, { name: "w2", max_builds: 0 }, { name: "w2", more: 1 }, {}])
      expect((await call("worker_accounts", "add", wrong)).status).toBe(400);
    const { text, body } = await read();
    expect(body.worker_accounts).toMatchObject([
      { name: "w1", max_builds: 2, properties: { os: "linux" }, allows_pb: false, revoked_at: null },
    ]);
    for (const hidden of [
      result?.secret ?? "",
      createHash("sha256")
        .update(result?.secret ?? "")
        .digest("hex"),
    ])
      expect(text).not.toContain(hidden);
    expect((await call(`worker_accounts/${result?.accountid}`, "revoke")).status).toBe(200);
    expect((await call(`worker_accounts/${result?.accountid}`, "revoke")).status).toBe(400);
    expect((await call("worker_accounts", "add", { name: "w1" })).status).toBe(200);
    const trail = await queryRows<{ what: string }>(
      database,
      "select who || ' ' || action || ' ' || object as what from mm_audit where outcome = 'done' order by id",
    );
    expect(trail.map(({ what }) => what)).toEqual([
      "token:admin add worker_accounts",
      `token:admin revoke worker_accounts/${result?.accountid}`,
      "token:admin add worker_accounts",
    ]);
  });
});

it("an account made over REST has what pb needs, sealed, where the ui has the key; and options of a worker", async () => {
  const directory = temporaryDirectory("ui-key");
  const key = Buffer.alloc(32, 9);
  const workerSealingKey = join(directory, "key");
  writeFileSync(workerSealingKey, key.toString("base64"), { mode: 0o600 });
  const rule = { allow: "*", on: "worker_accounts", to: ["role:admins"] };
  const rules = { rules: [rule], otherwise: "deny", roles: { admins: {} } };
  const database = await newDatabase("sqlite");
  await insertApiToken(database, "mmt_admin", { name: "admin", roles: ["admins"], scope: "all", seconds: null });
  const server = await startRestServer(database, { authorization: rules, workerSealingKey });
  const headers = { Authorization: "Bearer mmt_admin", "Content-Type": "application/json" };
  const add = async (params: object) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "add", params });
    return fetch(new URL("/api/v2/worker_accounts", server.url), { method: "POST", headers, body });
  };
  const options = { missing_timeout: "12h", quarantine_after: null, owned_by: "ann@example.org" };
  const { result } = (await (await add({ name: "w1", ...options })).json()) as { result: { secret: string } };
  for (const wrong of [{ missing_timeout: "soon" }, { quarantine_after: 0 }, { owned_by: "" }])
    expect((await add({ name: "w2", ...wrong })).status).toBe(400);
  expect((await server.get("/api/v2/worker_accounts", headers)).body.worker_accounts).toMatchObject([
    { allows_pb: true, options: { missingTimeout: 43_200_000, quarantineAfter: null, owner: "ann@example.org" } },
  ]);
  const [row] = await queryRows<{ md5_sealed: string }>(database, "select md5_sealed from mm_worker_accounts");
  const md5 = createHash("md5").update(result.secret).digest();
  expect(openPasswordMd5(key, "w1", row?.md5_sealed ?? "")).toEqual(md5);
});

describe("master worker", () => {
  afterEach(() => void vi.restoreAllMocks());

  const directory = temporaryDirectory("worker-command");
  const url = `sqlite:${join(directory, "state.sqlite")}`;
  let config = "";
  const key = Buffer.alloc(32, 7);

  function configure(name: string, workers: object): void {
    writeFileSync(join(directory, "key"), key.toString("base64"), { mode: 0o600 });
    config = join(directory, `${name}.mjs`);
    const slice = `async () => ({ default: ${JSON.stringify(workers)} })`;
    writeFileSync(
      config,
      `export default { name: "c", database: ${JSON.stringify(url)}, builders: {}, workers: ${slice} };\n`,
    );
  }

  async function run(...args: string[]) {
    const printed = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const)
      vi.spyOn(process[name], "write").mockImplementation((text) => {
        printed[name] += String(text);
        return true;
      });
    const code = await main([...args, "--config", config]);
    vi.restoreAllMocks();
    return { code, ...printed };
  }

  it("adds, lists and revokes workers, sealing what pb needs where the config has a key", async () => {
    configure("open", { workers: [{ name: "fixed", password: "x" }], accounts: true, sealingKey: "key" });
    expect((await run("upgrade-database")).code).toBe(0);
    const added = await run(
      "worker",
      "add",
      "w1",
      "--max-builds",
      "2",
      "--property",
      "os=linux=6",
      "--missing-timeout",
      "never",
    );
    expect(added).toMatchObject({ code: 0, stderr: "", stdout: expect.stringMatching(/^mmw_[\w-]{43}\n$/) });
    const database = await openTestDatabase(url);
    const [row] = await queryRows<{ md5_sealed: string; properties: string }>(
      database,
      "select md5_sealed, properties from mm_worker_accounts",
    );
    await database.close();
    expect(JSON.parse(row?.properties ?? "")).toEqual({ os: "linux=6" });
    const md5 = createHash("md5").update(added.stdout.trim()).digest();
    expect(openPasswordMd5(key, "w1", row?.md5_sealed ?? "")).toEqual(md5);
    expect(openPasswordMd5(key, "w2", row?.md5_sealed ?? "")).toBe(undefined);

    expect((await run("worker", "add", "w9", "--keep-alive", "often")).stderr).toMatch(
      /^master: --keep-alive: must be seconds/,
    );
    expect((await run("worker", "add", "w9", "--quarantine-after", "0")).stderr).toMatch(
      /^master: --quarantine-after: must be greater than 0\./,
    );
    expect((await run("worker", "list", "--json")).stdout).toContain('"missingTimeout": null');
    expect((await run("worker", "add", "w1")).stderr).toContain('A worker "w1" was already added');
    expect((await run("worker", "add", "fixed")).stderr).toContain('The worker "fixed" is defined in');
    expect((await run("worker", "add", "a b")).stderr).toContain("must be a letter");
    expect((await run("worker", "list")).stdout).toMatch(/^w1\t.*\tany\tvalid\t/m);
    expect((await run("worker", "revoke", "w1")).stdout).toBe("The worker w1 is revoked.\n");
    expect((await run("worker", "revoke", "w1")).stderr).toContain('There is no worker "w1" that was added');
    expect((await run("worker", "list")).stdout).toMatch(/^w1\t.*\tany\trevoked\t/m);
    const { stdout } = await run("audit-log", "--json");
    expect(
      (JSON.parse(stdout) as { action: string; object: string }[]).map(({ action, object }) => [action, object]),
    ).toEqual(
      expect.arrayContaining([
        ["add", "worker_accounts/w1"],
        ["revoke", "worker_accounts/w1"],
      ]),
    );
  });

  it("adds none where engines would not accept it", async () => {
    configure("closed", { workers: [] });
    const refused = await run("worker", "add", "w3");
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("set accounts: true there")]);
  });
});
