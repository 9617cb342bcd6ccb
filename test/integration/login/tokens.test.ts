import { type Database, insertApiToken, listApiTokens, queryRows, revokeApiToken } from "@multimaster/database";
import { beforeAll, describe, expect, it } from "vitest";
import { Browser } from "../../harness/login-browser.ts";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

describe.each(engines)("API tokens on %s", (engine) => {
  let database: Database;
  let server: RestServer;
  const program = new Browser();
  beforeAll(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
    server = await startRestServer(database, {
      authorization: {
        rules: [
          { allow: "pause", on: "workers", to: ["role:operators"] },
          { allow: "read", on: "*", to: ["users"] },
        ],
        otherwise: "deny",
        roles: { operators: { usernames: ["token:nightly", "plain"] } },
      },
    });
    await insertApiToken(database, "mmt_plain", { name: "plain", roles: [], scope: "all", seconds: null });
    await insertApiToken(database, "mmt_ops", { name: "ops", roles: ["operators"], scope: "all", seconds: 1000 });
    await insertApiToken(database, "mmt_eyes", { name: "eyes", roles: ["operators"], scope: "read", seconds: null });
    await insertApiToken(database, "mmt_nightly", { name: "nightly", roles: [], scope: "all", seconds: null });
  });
  const bearer = (secret: string) => ({ authorization: `Bearer ${secret}` });
  const pause = (secret: string) => program.call(server, "workers/1", "pause", { reason: "" }, bearer(secret));

  it("say who a program is, and which roles it has", async () => {
    expect(await program.whoAmI(server, bearer("mmt_ops"))).toMatchObject({
      by: "token",
      username: "ops",
      roles: ["operators"],
      scope: "all",
    });
    expect((await program.get(server, "/api/v2/workers")).status).toBe(403);
    expect((await program.get(server, "/api/v2/workers", { headers: bearer("mmt_plain") })).status).toBe(200);
  });

  it("may do what their roles may, unless they are only for reading", async () => {
    expect((await pause("mmt_ops")).status).toBe(200);
    expect((await pause("mmt_nightly")).status).toBe(200);
    expect((await pause("mmt_plain")).body.error.message).toBe(
      "You may not pause workers: that is for the role operators.",
    );
    expect((await program.get(server, "/api/v2/workers", { headers: bearer("mmt_eyes") })).status).toBe(200);
    expect((await pause("mmt_eyes")).body.error.message).toBe(
      "You may not pause workers: that is for tokens that are not read-only.",
    );
  });

  it("are not sent by other sites' pages, so that no page is asked for", async () => {
    const headers = { ...bearer("mmt_ops"), "sec-fetch-site": "cross-site", origin: "" };
    expect((await program.call(server, "workers/1", "pause", { reason: "" }, headers)).status).toBe(200);
  });

  it("are refused when forged, expired or revoked, also for what anybody may read", async () => {
    await insertApiToken(database, "mmt_old", { name: "old", roles: [], scope: "all", seconds: -1 });
    await insertApiToken(database, "mmt_lost", { name: "lost", roles: [], scope: "all", seconds: null });
    expect((await program.get(server, "/api/v2/masters", { headers: bearer("mmt_lost") })).status).toBe(200);
    expect(await revokeApiToken(database, "lost")).toBe(true);
    expect(await revokeApiToken(database, "lost")).toBe(false);
    const [{ token_hash: hash } = {}] = await queryRows<{ token_hash: string }>(
      database,
      "select token_hash from mm_api_tokens where name = 'ops'",
    );
    for (const secret of ["mmt_old", "mmt_lost", "mmt_forged", String(hash), "' or 1=1 --"]) {
      const answer = await program.get(server, "/api/v2/application.spec", {
        headers: bearer(secret.replaceAll(" ", "")),
      });
      expect([answer.status, answer.body.error]).toEqual([401, expect.stringContaining("unknown, expired or revoked")]);
      expect((await pause(secret.replaceAll(" ", ""))).status).toBe(401);
      expect(
        (await program.get(server, "/api/v2/whoami", { headers: bearer(secret.replaceAll(" ", "")) })).status,
      ).toBe(401);
    }
  });

  it("have names of their own, which are free again once they are revoked, and are kept only as hashes", async () => {
    const again = { name: "again", roles: [], scope: "all", seconds: null };
    expect(await insertApiToken(database, "mmt_again1", again)).toBe(true);
    expect(await insertApiToken(database, "mmt_again2", again)).toBe(false);
    await revokeApiToken(database, "again");
    expect(await insertApiToken(database, "mmt_again3", again)).toBe(true);
    const rows = await queryRows(database, "select * from mm_api_tokens");
    expect(JSON.stringify(rows)).not.toContain("mmt_");
  });

  it("show when they were last used", async () => {
    await insertApiToken(database, "mmt_used", { name: "used", roles: [], scope: "all", seconds: null });
    const used = async () => (await listApiTokens(database)).find(({ name }) => name === "used")?.used_at;
    expect(await used()).toBeNull();
    await program.whoAmI(server, bearer("mmt_used"));
    expect(await used()).toEqual(expect.any(Number));
  });
});
