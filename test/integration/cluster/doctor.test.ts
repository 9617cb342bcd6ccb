import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Database, execute } from "@multimaster/database";
import { examineCluster, type Finding } from "@multimaster/operator/doctor/doctor";
import { loadClusterConfig } from "@multimaster/operator/load-cluster-config";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { makeCertificate } from "../../harness/certificate.ts";
import { configFile } from "../../harness/cluster.ts";
import { startMasters } from "../../harness/masters-with-data.ts";
import { freePort } from "../../harness/ports.ts";
import { sharedPostgres } from "../../harness/postgres.ts";
import { takeRealm } from "../../harness/router-realm.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { openTestDatabase } from "../../harness/test-databases.ts";

const directory = temporaryDirectory("doctor");
const long = makeCertificate(90);

let database: Database;
let surroundings: Record<string, string>;

beforeAll(async () => {
  const masters = await startMasters("postgresql");
  database = masters.database;
  const { url, realm } = await takeRealm();
  surroundings = {
    DATABASE_URL: database.url,
    ROUTER: url,
    REALM: realm,
    STORE: join(directory, "store"),
    CERTIFICATE: long.certificate,
    KEY: long.key,
  };
});

afterEach(() => vi.unstubAllEnvs());

async function examine(changed: Record<string, string> = {}): Promise<Finding[]> {
  for (const [name, value] of Object.entries({ ...surroundings, ...changed })) vi.stubEnv(name, value);
  return examineCluster(await loadClusterConfig(configFile("test/cluster/configs/doctor/cluster.ts")));
}

/** What every test sees: the version of Node of this machine, and a server that tests need not have safe. */
const isOfTests = ({ about, sentence }: Finding) => about === "Node" || sentence.startsWith("a crash of its host");

const bad = (findings: readonly Finding[]) =>
  findings
    .filter((one) => one.verdict !== "ok" && !isOfTests(one))
    .map(({ verdict, about, sentence }) => `${verdict} ${about}: ${sentence}`);

describe("master doctor", () => {
  it("finds what is well in a real database, router and store, and what is only missing", async () => {
    const findings = await examine();
    expect(bad(findings)).toEqual([
      "warning masters: no master runs",
      "warning address: the config names no url: links in reports have no host",
    ]);
    const seen = findings.map(({ about, sentence }) => `${about}: ${sentence}`);
    expect(seen).toContainEqual(expect.stringMatching(/^database: it is PostgreSQL \d+$/));
    expect(seen).toContain("messages: a message through the router arrives");
    expect(seen).toContain(`artifacts: the directory ${join(directory, "store")} takes files and gives them back`);
    expect(seen).toContainEqual(expect.stringMatching(/^certificate: .* is valid until \d{4}-\d\d-\d\d$/));
  });

  it("looks at the rest when the database, the router, the store and the address are all away", async () => {
    const file = join(directory, "a-file");
    writeFileSync(file, "");
    const soon = makeCertificate(3);
    const port = await freePort();
    const findings = await examine({
      STORE: join(file, "store"),
      CERTIFICATE: soon.certificate,
      KEY: soon.key,
      ADDRESS: `http://127.0.0.1:${port}/`,
      ROUTER: `ws://127.0.0.1:${port}/ws`,
    });
    expect(bad(findings)).toEqual([
      expect.stringContaining("failed messages: the router cannot be reached at ws://127.0.0.1:"),
      "warning masters: no master runs",
      expect.stringMatching(/^failed artifacts: .* a part of the path is not a directory$/),
      expect.stringContaining(`warning certificate: ${soon.certificate} is valid until `),
      expect.stringContaining(`warning address: no ui master answers at http://127.0.0.1:${port}/: `),
    ]);
    expect(findings.filter(({ verdict }) => verdict !== "ok").every(({ remedy }) => remedy)).toBe(true);

    const gone = new URL(database.url);
    gone.port = String(port);
    const [first] = bad(await examine({ DATABASE_URL: gone.href }));
    expect(first).toMatch(/^failed database: The database .* cannot be reached: connection refused\.$/);
  });

  it("names a privilege that its user lacks, and a setting that ends long statements", async () => {
    const { psql } = await sharedPostgres();
    await psql("create role reader login");
    const owner = await openTestDatabase(database.url);
    const tables = "all tables in schema public";
    await execute(owner, `grant select, insert, update, delete on ${tables} to reader`);
    await execute(owner, "grant usage on all sequences in schema public to reader");
    await execute(owner, "revoke insert on builds from reader");
    await psql("alter role reader set statement_timeout = '30s'");
    const url = new URL(database.url);
    url.username = "reader";
    expect(bad(await examine({ DATABASE_URL: url.href }))).toEqual([
      expect.stringContaining("its user lacks a privilege (insert on table builds)"),
      "warning database: it ends statements after 30s",
      expect.stringContaining("warning address: "),
    ]);
  });
});
