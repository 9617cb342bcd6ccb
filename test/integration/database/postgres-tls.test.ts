import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createBus } from "@multimaster/bus";
import { silentLog } from "@multimaster/core";
import { openDatabase, openSingleConnection, PostgresqlSession, queryRows } from "@multimaster/database";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { startPostgres, type TestPostgres } from "../../harness/postgres.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";

let encrypted: TestPostgres;
let plain: TestPostgres;
/** PEM files: who signed the server's certificate, and another who did not. */
let authority: string;
let stranger: string;

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: "pipe" });
}

/** An authority and a certificate of `localhost` (and no address) that it signed. */
function makeCertificates(): { authority: string; stranger: string; certificate: string; key: string } {
  const directory = temporaryDirectory("tls");
  const file = (name: string) => join(directory, name);
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  for (const name of ["authority", "stranger"])
    openssl(
      "req",
      "-x509",
      ...curve,
      "-subj",
      `/CN=${name}`,
      "-keyout",
      file(`${name}.key`),
      "-out",
      file(`${name}.pem`),
    );
  openssl("req", ...curve, "-subj", "/CN=localhost", "-keyout", file("server.key"), "-out", file("server.csr"));
  writeFileSync(file("names"), "subjectAltName=DNS:localhost\n");
  const signing = ["-CA", file("authority.pem"), "-CAkey", file("authority.key"), "-CAcreateserial", "-days", "2"];
  openssl("x509", "-req", "-in", file("server.csr"), ...signing, "-extfile", file("names"), "-out", file("server.pem"));
  return {
    authority: file("authority.pem"),
    stranger: file("stranger.pem"),
    certificate: file("server.pem"),
    key: file("server.key"),
  };
}

beforeAll(async () => {
  const made = makeCertificates();
  authority = made.authority;
  stranger = made.stranger;
  [encrypted, plain] = await Promise.all([startPostgres(), startPostgres()]);
  const [row] = await encrypted.psql<{ data_directory: string }>("show data_directory");
  const data = row?.data_directory as string;
  const { uid, gid } = statSync(data);
  for (const [from, to] of [
    [made.certificate, "server.crt"],
    [made.key, "server.key"],
  ] as const) {
    copyFileSync(from, join(data, to));
    chownSync(join(data, to), uid, gid);
    chmodSync(join(data, to), 0o600);
  }
  await encrypted.psql("alter system set ssl = on");
  await encrypted.restart("fast");
});

/** Opens with these parameters; says whether it is encrypted, or why it was refused. */
async function connect(server: TestPostgres, host: string, parameters: string): Promise<string> {
  const url = new URL(server.url);
  url.hostname = host;
  const warnings = vi.spyOn(process, "emitWarning");
  try {
    const database = await openDatabase(`${url}${parameters}`, { log: silentLog });
    const [row] = await queryRows<{ ssl: boolean }>(
      database,
      "select ssl from pg_stat_ssl where pid = pg_backend_pid()",
    );
    await database.close();
    expect(warnings).not.toHaveBeenCalled();
    return row?.ssl ? "encrypted" : "in the clear";
  } catch (error) {
    return (error as Error).message;
  } finally {
    warnings.mockRestore();
  }
}

describe("TLS to PostgreSQL means what it means to psql", () => {
  it("where the server has it", async () => {
    const asked: [host: string, parameters: string, answer: string | RegExp][] = [
      ["127.0.0.1", "", "in the clear"],
      ["127.0.0.1", "?sslmode=disable", "in the clear"],
      ["127.0.0.1", "?sslmode=allow", "in the clear"],
      ["127.0.0.1", "?sslmode=prefer", "encrypted"],
      ["127.0.0.1", "?sslmode=require", "encrypted"],
      ["127.0.0.1", "?sslmode=no-verify", "encrypted"],
      ["127.0.0.1", `?sslmode=require&sslrootcert=${authority}`, "encrypted"],
      ["127.0.0.1", `?sslmode=require&sslrootcert=${stranger}`, /signed by no authority.* sslrootcert=FILE/],
      ["127.0.0.1", `?sslmode=verify-ca&sslrootcert=${authority}`, "encrypted"],
      ["127.0.0.1", `?sslmode=verify-ca&sslrootcert=${stranger}`, /signed by no authority/],
      ["127.0.0.1", "?sslmode=verify-ca", /sslmode=verify-ca needs sslrootcert=FILE/],
      ["127.0.0.1", `?sslmode=verify-full&sslrootcert=${authority}`, /certificate is for another host name/],
      ["localhost", `?sslmode=verify-full&sslrootcert=${authority}`, "encrypted"],
      ["localhost", `?sslrootcert=${authority}`, "encrypted"],
      ["localhost", `?sslmode=verify-full&sslrootcert=${stranger}`, /signed by no authority/],
      ["localhost", "?sslmode=verify-full", /signed by no authority/],
      ["localhost", "?ssl=true", /signed by no authority/],
      ["localhost", "?ssl=0", "in the clear"],
      ["localhost", "?sslmode=maximal", /sslmode=maximal is unknown; there are disable, allow, prefer/],
      ["localhost", "?sslmode=verify-full&sslrootcert=/nowhere.pem", /\/nowhere\.pem cannot be read/],
    ];
    for (const [host, parameters, answer] of asked) {
      const said = await connect(encrypted, host, parameters);
      expect(said, parameters).toEqual(typeof answer === "string" ? answer : expect.stringMatching(answer));
    }
  });

  it("where the server has none", async () => {
    expect(await connect(plain, "127.0.0.1", "?sslmode=prefer")).toBe("in the clear");
    for (const mode of ["require", "no-verify", "verify-full"])
      expect(await connect(plain, "127.0.0.1", `?sslmode=${mode}`)).toMatch(/does not support SSL/);
  });

  it("also for the connections outside the pool", async () => {
    const url = `${encrypted.url}?sslmode=require`;
    const single = await openSingleConnection(url, { timeoutMs: 5000 });
    expect(await single.rows("select ssl from pg_stat_ssl where pid = pg_backend_pid()", [])).toEqual([{ ssl: true }]);
    await single.close();
    const bus = createBus({ kind: "postgres", url, makeClient: (config) => new PostgresqlSession(config) }, silentLog);
    await bus.start();
    await vi.waitFor(() => expect(bus.state).toBe("connected"), { timeout: 10_000 });
    const listening =
      "select s.ssl from pg_stat_ssl s join pg_stat_activity a using (pid) where a.application_name like '%bus'";
    expect(await encrypted.psql(listening)).toEqual([{ ssl: true }]);
    await bus.stop();
  });
});
