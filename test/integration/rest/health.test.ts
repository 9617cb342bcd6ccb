import { describe, expect, it } from "vitest";
import { startRestServer } from "../../harness/rest-server.ts";
import { newDatabase } from "../../harness/test-databases.ts";

describe("a ui master", () => {
  it("reports that it is alive, and whether it can take work", async () => {
    let reasons: true | string[] = true;
    const server = await startRestServer(await newDatabase("sqlite"), {}, () => reasons);
    expect((await server.get("/health")).body).toEqual({
      status: "ok",
      master: expect.stringContaining("host-ui"),
      bus: { kind: "in-process", state: "connected", degradedSince: null },
    });
    expect(await server.get("/ready")).toMatchObject({ status: 200, body: { ready: true } });
    reasons = ["scheduler: draining"];
    expect(await server.get("/ready")).toMatchObject({ status: 503, body: { ready: false, reasons } });
  });

  it("counts what it is asked", async () => {
    const server = await startRestServer(await newDatabase("sqlite"));
    await server.get("/api/v2/masters");
    await expect
      .poll(async () => (await server.get("/metrics")).text)
      .toContain('multimaster_http_request_seconds_count{method="GET",area="api",status="200"} 1');
  });

  it("has a page that leads to the API, and nothing where nothing is", async () => {
    const server = await startRestServer(await newDatabase("sqlite"), { title: "<Acme & Co>" });
    const home = await server.get("/", { accept: "text/html" });
    expect([home.status, home.contentType, home.text.includes("&#60;Acme &#38; Co&#62;")]).toEqual([
      200,
      "text/html; charset=utf-8",
      true,
    ]);
    expect((await server.get("/nothing")).status).toBe(404);
  });

  it("answers for its cluster with no other role beside it", async () => {
    const server = await startRestServer(await newDatabase("sqlite"));
    const { body } = await server.get("/api/v2/masters");
    expect(body).toMatchObject({ masters: [{ active: true }], meta: { total: 1 } });
    for (const list of [
      "builders",
      "builds",
      "buildrequests",
      "buildsets",
      "changes",
      "workers",
      "schedulers",
      "changesources",
      "forceschedulers",
      "projects",
      "sourcestamps",
    ]) {
      expect((await server.get(`/api/v2/${list}`)).body, list).toEqual({ [list]: [], meta: { total: 0 } });
    }
  });

  it("refuses a body that is too large before it is in memory", async () => {
    const server = await startRestServer(await newDatabase("sqlite"));
    const answer = await server.post(
      "/change_hook/base",
      `author=${"x".repeat(17 * 1024 * 1024)}`,
      "application/x-www-form-urlencoded",
    );
    expect([answer.status, answer.text]).toEqual([
      413,
      "The request's body is larger than the 16777216 bytes that are accepted.\n",
    ]);
    expect((await server.get("/health")).status).toBe(200);
  });
});
