import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hashPassword } from "@multimaster/core";
import { type Database, insertApiToken } from "@multimaster/database";
import password from "@multimaster/plugins/auth/password";
import { type RouteName, routeNames } from "@multimaster/roles/ui/routes";
import { beforeAll, describe, expect, it } from "vitest";
import { Browser } from "../../harness/login-browser.ts";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { newDatabase } from "../../harness/test-databases.ts";

/** Who asks: an anonymous client, a user who may read nothing, a page of another site in the browser of one who may, one who may, two tokens. */
const askers = ["nobody", "denied", "other site", "reader", "read token", "forged token"] as const;
type Asker = (typeof askers)[number];

interface Row {
  readonly path: string;
  readonly method?: "GET" | "POST";
  /** The status that each asker gets. */
  readonly expected: Readonly<Record<Asker, number>>;
}

const everybody = { nobody: 200, denied: 200, "other site": 200, reader: 200, "read token": 200, "forged token": 200 };
const readers = { nobody: 403, denied: 403, "other site": 200, reader: 200, "read token": 200, "forged token": 401 };
// The API and the stream of events refuse an origin that they do not know.
const apiReaders = { ...readers, "other site": 400 };
const alike = (status: number) => Object.fromEntries(askers.map((asker) => [asker, status])) as Row["expected"];

/** A new route does not compile without a row here, and has no answer without a guard (roles/ui/routes.ts). */
const matrix: Readonly<Record<RouteName, readonly Row[]>> = {
  probes: [
    { path: "/health", expected: everybody },
    { path: "/ready", expected: everybody },
  ],
  health: [{ path: "/api/v2/health", expected: readers }],
  metrics: [{ path: "/metrics", expected: readers }],
  login: [
    { path: "/auth/login", expected: everybody },
    { path: "/auth/logout", expected: alike(302) },
  ],
  whoami: [{ path: "/api/v2/whoami", expected: { ...everybody, "forged token": 401 } }],
  description: [
    { path: "/api/v2/openapi.json", expected: everybody },
    { path: "/api/latest/openapi", expected: everybody },
  ],
  api: [
    { path: "/api/v2/builds", expected: apiReaders },
    { path: "/api/latest/builds/1", expected: apiReaders },
    { path: "/api/v2/logs/7/raw", expected: apiReaders },
    {
      path: "/api/v2/builds/1",
      method: "POST",
      expected: { ...alike(403), "other site": 400, "forged token": 401 },
    },
  ],
  events: [{ path: "/sse/listen/builds/*/*", expected: apiReaders }],
  pictures: [{ path: "/picture?of=ann", expected: everybody }],
  // To those who may read it, this says that there is none.
  artifacts: [
    { path: "/artifacts/1/app", expected: { ...readers, "other site": 404, reader: 404, "read token": 404 } },
    { path: "/artifacts/latest/b1/app", expected: { ...readers, "other site": 404, reader: 404, "read token": 404 } },
  ],
  hooks: [{ path: "/change_hook/base", method: "POST", expected: { ...alike(404) } }],
  badges: [{ path: "/badges/b1.svg", expected: readers }],
  "cc.xml": [{ path: "/cc.xml", expected: readers }],
  // Nothing but files: test/integration/ui/buildbot-app.test.ts asks for them.
  "buildbot's pages": [],
  pages: [
    { path: "/", expected: everybody },
    { path: "/builders/1", expected: everybody },
  ],
};

let server: RestServer;
let database: Database;
const headers = new Map<Asker, Record<string, string>>();

beforeAll(async () => {
  // On PostgreSQL, programs are answered without the layers of the app.
  database = await newDatabase("postgresql");
  await seedRecorded(database);
  const user = { password: await hashPassword("right") };
  server = await startRestServer(database, {
    auth: password({ users: { ann: { ...user, groups: ["staff"] }, eve: user } }),
    hooks: [],
    authorization: {
      rules: [
        { allow: "read", on: "*", to: ["role:staff"] },
        { allow: "control", on: "*", to: [] },
      ],
      otherwise: "deny",
      roles: { staff: { groups: ["staff"] } },
    },
  });
  const cookieOf = async (name: string) => {
    const browser = new Browser();
    await browser.logIn(server, name, "right");
    return { cookie: [...browser.cookies].map(([key, value]) => `${key}=${value}`).join("; ") };
  };
  const ann = await cookieOf("ann");
  const secret = "mmt_reader";
  await insertApiToken(database, secret, { name: "reader", roles: ["staff"], scope: "read", seconds: null });
  headers
    .set("nobody", {})
    .set("denied", await cookieOf("eve"))
    .set("reader", ann)
    .set("other site", { ...ann, origin: "https://evil.example", "sec-fetch-site": "cross-site" })
    .set("read token", { authorization: `Bearer ${secret}` })
    .set("forged token", { authorization: `Bearer mmt_${"A".repeat(43)}` });
});

async function statusOf({ path, method = "GET" }: Row, asker: Asker): Promise<number> {
  const abort = new AbortController();
  const { status } = await fetch(new URL(path, server.url), {
    method,
    redirect: "manual",
    signal: abort.signal,
    headers: {
      accept: "text/html",
      // The other rows need the session that this would end.
      ...(path === "/auth/logout" ? {} : headers.get(asker)),
      ...(method === "POST" ? { "content-type": "application/json" } : {}),
    },
    ...(method === "POST" ? { body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "stop", params: {} }) } : {}),
  });
  abort.abort();
  return status;
}

/** A program that reads JSON and takes no compression: it is answered without the layers of the app. */
function directStatusOf({ path }: Row, asker: Asker, more: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, server.url), {
      headers: { ...headers.get(asker), ...more, accept: "application/json" },
    });
    sent.on("response", (response) => {
      response.destroy();
      resolve(response.statusCode);
    });
    sent.on("error", reject).end();
  });
}

describe("each route of the ui", () => {
  it.each(matrix.api.filter(({ method = "GET" }) => method === "GET"))(
    "answers programs as it answers others: $path",
    async (row) => {
      for (const asker of askers)
        expect([asker, await directStatusOf(row, asker)]).toEqual([asker, row.expected[asker]]);
    },
  );

  it("tells no one who may not read a list that it is unchanged", async () => {
    const list = { path: "/api/v2/builds", expected: apiReaders };
    for (const asker of askers) {
      const expected = apiReaders[asker] === 200 ? 304 : apiReaders[asker];
      expect([asker, await directStatusOf(list, asker, { "if-none-match": "*" })]).toEqual([asker, expected]);
    }
  });

  it.each(routeNames.flatMap((name) => matrix[name].map((row) => [name, row] as const)))(
    "answers those who may: %s, $path",
    async (_, row) => {
      for (const asker of askers) {
        expect([asker, await statusOf(row, asker)]).toEqual([asker, row.expected[asker]]);
      }
    },
  );

  it("is mounted by its guard, and by nothing else", () => {
    const directory = fileURLToPath(new URL("../../../roles/ui", import.meta.url));
    const files = readdirSync(directory, { recursive: true, encoding: "utf8" }).filter(
      (name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !name.includes("dist"),
    );
    const mounting = files.filter((name) => /\.use\(/.test(readFileSync(join(directory, name), "utf8")));
    expect(mounting.toSorted()).toEqual(["app.ts", "routes.ts"]);
    const used = [...readFileSync(join(directory, "app.ts"), "utf8").matchAll(/\.use\(\s*(\w+)\(/g)].map(
      (match) => match[1],
    );
    // None of these answers a request.
    expect(used).toEqual(["compress", "measureRequests", "secureHeaders", "answerErrors"]);
  });
});

it("a large body is read from no one who may do nothing there", async () => {
  const send = (asker: Asker, path: string, bytes: number) =>
    fetch(new URL(path, server.url), {
      method: "POST",
      headers: { ...headers.get(asker), "content-type": "application/json" },
      body: "x".repeat(bytes),
    }).then(({ status }) => status);
  for (const asker of ["nobody", "denied", "reader", "read token"] as const)
    for (const path of ["/api/v2/changes", "/api/v2/builds/1", "/api/v2/nothing"])
      expect([asker, path, await send(asker, path, 200_000)]).toEqual([asker, path, 403]);
  const open = await startRestServer(database);
  const post = (path: string, bytes: number) =>
    fetch(new URL(path, open.url), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text: "x".repeat(bytes) }),
    }).then(({ status }) => status);
  expect(await post("/api/v2/builds/1", 900_000)).toBe(400);
  expect(await post("/api/v2/builds/1", 1_100_000)).toBe(413);
  expect(await post("/api/v2/changes", 1_100_000)).toBe(400);
});
