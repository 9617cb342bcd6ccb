import { writeFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { join } from "node:path";
import type { AuditEntry } from "@multimaster/data";
import { execute, insertSession, queryRows } from "@multimaster/database";
import { beginUpgrade } from "@multimaster/operator/upgrade-trail";
import { afterEach, beforeAll, expect, it, vi } from "vitest";
import { main } from "../../../packages/cli/src/main.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { openTestDatabase } from "../../harness/test-databases.ts";

const directory = temporaryDirectory("commands");
const config = join(directory, "cluster.mjs");
const url = `sqlite:${join(directory, "state.sqlite")}`;
const who = `system:${userInfo().username}@${hostname()}`;

beforeAll(() =>
  writeFileSync(config, `export default { name: "c", database: ${JSON.stringify(url)}, builders: {} };\n`),
);
afterEach(() => void vi.restoreAllMocks());

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

async function entries(...flags: string[]): Promise<AuditEntry[]> {
  const { code, stdout, stderr } = await run("audit-log", "--json", ...flags);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as AuditEntry[];
}

it("an upgrade of the database is in the audit trail, and one that had nothing to do is not", async () => {
  expect(await run("upgrade-database")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^The database is now/),
  });
  expect(await run("upgrade-database")).toMatchObject({ code: 0, stdout: expect.stringMatching(/up to date/) });
  expect(await entries()).toMatchObject([
    {
      who,
      name: userInfo().username,
      by: "command line",
      action: "upgrade database",
      object: "database",
      outcome: "done",
      detail: expect.stringContaining("tables of Buildbot 4.3.0"),
    },
  ]);
});

it("so is one that failed, with the reason", async () => {
  const database = await openTestDatabase(url);
  const [right] = await queryRows<{ version_num: string }>(database, "select version_num from alembic_version");
  const set = (version: string) => execute(database, "update alembic_version set version_num = ?", [version]);
  await set("999");
  expect((await run("upgrade-database")).code).not.toBe(0);
  await set(right?.version_num ?? "");
  expect((await entries()).at(-1)).toMatchObject({
    who,
    action: "upgrade database",
    outcome: "failed",
    detail: expect.stringContaining("999"),
  });
});

it.each([
  ["upgraded", "done"],
  ["undone", "failed"],
  ["incomplete", "failed"],
] as const)("so is an upgrade of masters that ended as %s", async (outcome, shown) => {
  const database = await openTestDatabase(url);
  const rest = { masterid: 1, pid: 1, roles: [], builderSets: "all" as const };
  const pairs = [
    { ...rest, old: "engine-1", name: "engine-1-2" },
    { ...rest, old: "ui", name: "ui-2" },
  ];
  const end = await beginUpgrade(database, { host: "here", config: "/etc/ci/cluster.ts", release: "9.9.9", pairs });
  await end({ outcome, sentence: "That is how it ended." });
  const detail = (text: string) => expect.stringMatching(new RegExp(`9\\.9\\.9 with /etc/ci/cluster\\.ts.*${text}`));
  expect((await entries()).slice(-2)).toMatchObject([
    { who, action: "begin upgrade", object: "masters/engine-1,ui", outcome: "done", detail: detail("ui by ui-2") },
    { who, action: "upgrade", object: "masters/engine-1,ui", outcome: shown, detail: detail("That is how it ended") },
  ]);
});

it("audit-log shows all of it to people, and what is asked for", async () => {
  const { code, stdout } = await run("audit-log");
  expect(code).toBe(0);
  expect(stdout).toMatch(/\tupgrade database\tdatabase\tdone: from nothing .* \d+ more/);
  const upgrades = await entries("--who", userInfo().username);
  expect(upgrades).toEqual(await entries("--who", who));
  expect(upgrades).toHaveLength(8);
  expect(await entries("--limit", "2")).toEqual(upgrades.slice(-2));
  expect(await entries("--who", "nobody-of-this-name")).toEqual([]);
  const database = await openTestDatabase(url);
  await execute(database, "update mm_audit set at = at - 7200 where id <= 2", []);
  expect(await entries("--since", "1h")).toEqual(upgrades.slice(2));
  expect((await run("audit-log", "--who", "nobody-of-this-name")).stdout).toBe("No entries.\n");
  expect(await run("audit-log", "--since", "soon")).toMatchObject({ code: 2, stdout: "" });
});

it("sessions are listed, and ended with an entry of who did", async () => {
  const database = await openTestDatabase(url);
  expect((await run("sessions", "list")).stdout).toBe("No sessions.\n");
  const of = (username: string) => ({ method: "password", username, userInfo: "{}", fingerprint: "", grantBox: null });
  for (const [id, username, seconds] of [
    ["a", "ann", 600],
    ["b", "ann", 600],
    ["c", "bob", 600],
    ["d", "bob", -1],
  ] as const)
    await insertSession(database, id, of(username), seconds);
  const list = async () =>
    (JSON.parse((await run("sessions", "list", "--json")).stdout) as { username: string }[]).map(
      ({ username }) => username,
    );
  expect(await list()).toEqual(["ann", "ann", "bob"]);
  expect((await run("sessions", "list")).stdout).toMatch(/^ann\tpassword\t/m);
  expect(await run("sessions", "end", "ann")).toMatchObject({ code: 0, stdout: "2 sessions of ann ended.\n" });
  expect(await list()).toEqual(["bob"]);
  expect((await entries()).at(-1)).toMatchObject({ who, action: "end sessions", object: "sessions of ann" });
});
