import { once } from "node:events";
import http from "node:http";
import { text } from "node:stream/consumers";
import { type UiSliceInput, uiSlice } from "@multimaster/config";
import { type Database, execute, insertAsker, queryRows } from "@multimaster/database";
import proxyHeader from "@multimaster/plugins/auth/proxy-header";
import { createAccess } from "@multimaster/roles/ui/access/access";
import { userVisitor } from "@multimaster/roles/ui/access/visitor";
import { beforeAll, describe, expect, it } from "vitest";
import { Browser } from "../../harness/login-browser.ts";
import { seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

type Rights = NonNullable<UiSliceInput["authorization"]>;

const auth = proxyHeader({ emailHeader: "X-Email", groupsHeader: "X-Groups" });
const trustedProxies = ["127.0.0.0/8", "::1"];
const ann = { "x-forwarded-user": "ann", "x-email": "Ann@example.org", "x-groups": "dev, qa" };
const bob = { "x-forwarded-user": "bob" };
const anonymous = {};

describe.each(engines)("rights on %s", (engine) => {
  let database: Database;
  const browser = new Browser();
  beforeAll(async () => {
    database = await newDatabase(engine);
    await seedRecorded(database);
  });

  const start = (authorization?: Rights) =>
    startRestServer(database, { auth, trustedProxies, ...(authorization ? { authorization } : {}) });
  const act = async (server: RestServer, who: object, path: string, method: string, params: object = {}) => {
    const { status, body } = await browser.call(server, path, method, params, who);
    return status === 200 ? 200 : [status, body.error.message];
  };
  const read = async (server: RestServer, who: Record<string, string>, path: string) =>
    (await browser.get(server, `/api/v2/${path}`, { headers: who })).status;

  it("without rules: everyone reads, users who are logged in control", async () => {
    const server = await start();
    expect(await read(server, anonymous, "builds")).toBe(200);
    expect(await act(server, anonymous, "workers/1", "pause", { reason: "" })).toEqual([
      403,
      "You may not pause workers: that is for users who are logged in; log in first.",
    ]);
    expect(await act(server, bob, "workers/1", "pause", { reason: "" })).toBe(200);
    expect(await browser.whoAmI(server, ann)).toMatchObject({ username: "ann", groups: ["dev", "qa"], by: "proxy" });
    expect(await browser.whoAmI(server, ann)).toMatchObject({ reports: true, retries: true });
    expect(await browser.whoAmI(server, anonymous)).toMatchObject({ reports: false, retries: false });
  });

  it("to read reports are not those to send them again", async () => {
    const server = await start({
      rules: [
        { allow: "read", on: ["reporters", "reports", "builds"], to: ["anyone"] },
        { allow: "retry", on: "reporters", to: ["role:qa"] },
        { allow: "retry", on: "reports", to: ["users"] },
      ],
      otherwise: "deny",
      roles: { qa: { groups: ["qa"] } },
    });
    expect(await browser.whoAmI(server, ann)).toMatchObject({ reports: true, retries: true });
    for (const who of [bob, anonymous])
      expect(await browser.whoAmI(server, who)).toMatchObject({ reports: true, retries: false });
  });

  it("belong to no user if a proxy adds its headers beside those of a client", async () => {
    const server = await start({ rules: [], otherwise: "allow", roles: { group: { groups: ["qa"] } } });
    const get = async (headers: Readonly<Record<string, string | readonly string[]>>) => {
      const request = http.get(new URL("api/v2/whoami", server.url), { headers: headers as http.OutgoingHttpHeaders });
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      return JSON.parse(await text(response)) as { whoami: object[] };
    };
    expect((await get({ ...ann })).whoami).toMatchObject([{ username: "ann", roles: ["group"] }]);
    for (const forged of [
      { ...bob, "x-groups": ["qa", "dev"] },
      { ...ann, "x-forwarded-user": ["ann", "bob"] },
      { ...ann, "x-email": ["ann@example.org", "bob@example.org"] },
    ])
      expect((await get(forged)).whoami).toMatchObject([{ anonymous: true, roles: [] }]);
  });

  it("of roles come from groups, addresses, domains and names", async () => {
    const server = await start({
      rules: [],
      otherwise: "allow",
      roles: {
        group: { groups: ["qa"] },
        address: { emails: ["ann@EXAMPLE.org"] },
        domain: { domains: ["example.org"] },
        name: { usernames: ["ann"] },
        other: { groups: ["ops"], emails: ["x@example.org"], domains: ["ample.org"], usernames: ["Ann"] },
      },
    });
    expect((await browser.whoAmI(server, ann)).roles).toEqual(["group", "address", "domain", "name"]);
    expect((await browser.whoAmI(server, bob)).roles).toEqual([]);
  });

  it("to control: the first rule that is about it decides, by action, noun, builder, role and owner", async () => {
    const [build] = await queryRows<{ id: number; buildrequestid: number; builderid: number }>(
      database,
      "select id, buildrequestid, builderid from builds order by id limit 1",
    );
    const { id, buildrequestid, builderid } = build as { id: number; buildrequestid: number; builderid: number };
    const [{ name } = { name: "" }] = await queryRows<{ name: string }>(
      database,
      `select name from builders where id = ${builderid}`,
    );
    const [{ buildsetid } = { buildsetid: 0 }] = await queryRows<{ buildsetid: number }>(
      database,
      `select buildsetid from buildrequests where id = ${buildrequestid}`,
    );
    const askedBy = async (identity: string) => {
      await execute(database, "delete from mm_askers where buildsetid = ?", [buildsetid]);
      await insertAsker(database, buildsetid, { identity, name: "any" });
    };
    // An owner that a change, a form or a step names grants no right.
    for (const owner of ["ann", "ann@example.org", "user:ann"]) {
      await execute(database, "delete from build_properties where buildid = ? and name = 'owner'", [id]);
      await execute(
        database,
        "insert into build_properties (buildid, name, value, source) values (?, 'owner', ?, 'Change')",
        [id, JSON.stringify(owner)],
      );
    }
    const rights = (builders: string[]): Rights => ({
      rules: [
        { allow: "stop", on: "builds", builders, to: ["role:qa"] },
        { allow: ["stop", "rebuild"], on: "builds", to: ["owner", "role:ops"] },
        { allow: "control", on: ["workers", "masters"], to: [] },
      ],
      otherwise: "allow",
      roles: { qa: { groups: ["qa"] }, ops: { usernames: ["bob"] } },
    });
    const server = await start(rights(["none-*"]));
    await askedBy("user:carl");
    const refused = "You may not rebuild builds: that is for the owner of the build and the role ops";
    expect(await act(server, ann, `builds/${id}`, "rebuild")).toEqual([403, `${refused}.`]);
    expect(await act(server, anonymous, `builds/${id}`, "rebuild")).toEqual([403, `${refused}; log in first.`]);
    expect(await act(server, bob, `builds/${id}`, "rebuild")).toBe(200);
    // A token of her name is someone else.
    await askedBy("token:ann");
    expect(await act(server, ann, `builds/${id}`, "rebuild")).toEqual([403, `${refused}.`]);
    await askedBy("user:ann");
    expect(await act(server, ann, `builders/${builderid}/builds/1`, "rebuild")).toBe(200);
    expect(await act(server, ann, `builds/${id}`, "rebuild")).toBe(200);
    // She may; it is only too late.
    expect(await act(server, ann, `builds/${id}`, "stop")).toEqual([409, expect.stringContaining("has already ended")]);
    expect(await act(server, bob, "workers/1", "pause", { reason: "" })).toEqual([
      403,
      "You may not pause workers: that is for no one; a rule in `authorization` of the ui can allow it.",
    ]);
    // What no rule is about.
    expect(await act(server, anonymous, `buildrequests/${buildrequestid}`, "cancel")).toEqual([
      409,
      expect.stringContaining("has already ended"),
    ]);

    const special = await start(rights([`${name.slice(0, 3)}*`]));
    expect(await act(special, bob, `builds/${id}`, "stop")).toEqual([
      403,
      "You may not stop builds: that is for the role qa.",
    ]);
    expect(await act(special, ann, `builds/${id}`, "stop")).toEqual([
      409,
      expect.stringContaining("has already ended"),
    ]);
  });

  it("to force: of each builder that is named, in whichever way", async () => {
    const server = await start({
      rules: [
        { allow: "force", on: "forceschedulers", builders: ["hello"], to: ["users"] },
        { allow: "read", on: "*", to: ["anyone"] },
      ],
      otherwise: "deny",
    });
    const force = (who: object, params: object) => act(server, who, "forceschedulers/force", "force", params);
    const hello = await browser.get(server, "/api/v2/builders/hello?field=builderid", { headers: bob });
    const { builderid } = hello.body.builders[0];
    expect(await force(bob, { builderid })).toBe(200);
    expect(await force(bob, { builderNames: ["hello"] })).toBe(200);
    const all = await browser.get(server, "/api/v2/forceschedulers/force", { headers: bob });
    const others = all.body.forceschedulers[0].builder_names.filter((name: string) => name !== "hello");
    const refused = [
      403,
      "You may not force forceschedulers: that is for no one; a rule in `authorization` of the ui can allow it.",
    ];
    if (others.length > 0) expect(await force(bob, {})).toEqual(refused);
    expect(await force(bob, { builderid, builderNames: ["other"] })).toEqual(refused);
    expect(await force(anonymous, { builderid })).toEqual([
      403,
      "You may not force forceschedulers: that is for users who are logged in; log in first.",
    ]);
  });

  it("make a user the owner of what they force, whatever the form says", async () => {
    const server = await start();
    const { body } = await browser.call(
      server,
      "forceschedulers/force",
      "force",
      { builderNames: ["hello"], username: "Eve <eve@example.org>", owner: "eve", reason: "r" },
      ann,
    );
    const properties = await browser.get(server, `/api/v2/buildsets/${body.result[0]}/properties`, { headers: ann });
    expect(properties.body.properties[0].owner[0]).toBe("Ann@example.org");
  });

  it("to read: a user who may not see a noun sees neither it nor its parts anywhere", async () => {
    const server = await start({
      rules: [
        { allow: "read", on: ["logs", "workers"], to: ["role:dev"] },
        { allow: "control", on: "logs", to: [] },
      ],
      otherwise: "allow",
      roles: { dev: { groups: ["dev"] } },
    });
    const [log] = await queryRows<{ id: number; stepid: number }>(database, "select id, stepid from logs limit 1");
    const hidden = [
      "workers",
      "workers/1",
      "workers/1/builds",
      "masters/1/workers",
      "builders/1/workers",
      `logs/${log?.id}`,
      `logs/${log?.id}/contents`,
      `logs/${log?.id}/raw`,
      `logs/${log?.id}/raw_inline`,
      `steps/${log?.stepid}/logs`,
      "builds/1/steps/0/logs/stdio/raw",
    ];
    for (const path of hidden) {
      expect(await read(server, bob, path), path).toBe(403);
      expect(await read(server, ann, path), path).not.toBe(403);
    }
    const { body } = await browser.get(server, "/api/v2/builds/1/steps/0/logs/stdio/contents", { headers: bob });
    expect(body).toEqual({ error: "You may not read logs: that is for the role dev." });
    for (const path of ["builds", "steps/1", "builds/1/steps", "application.spec", "builders"])
      expect(await read(server, bob, path), path).toBe(200);
    // An action does not reveal whether a hidden object exists.
    for (const id of [1, 9999])
      expect(await act(server, bob, `workers/${id}`, "pause")).toEqual([
        403,
        "You may not read workers: that is for the role dev.",
      ]);
  });

  it("to read nothing at all still allow to ask who one is", async () => {
    const server = await start({ rules: [{ allow: "*", on: "*", to: ["users"] }], otherwise: "deny" });
    for (const path of ["builds", "builds/1/properties", "builders/1/builds/1/data/x/value", "masters", "changes"])
      expect(await read(server, anonymous, path), path).toBe(403);
    expect((await browser.whoAmI(server)).anonymous).toBe(true);
    expect(await read(server, bob, "builds")).toBe(200);
    // Hooks have secrets of their own.
    const hook = await browser.post(server, "/change_hook/base", { form: { author: "ann", comments: "c" } });
    expect(hook.status).toBe(202);
  });

  it("to hear are those to read, for each event", async () => {
    const { data } = await start();
    const access = createAccess({
      data,
      log: undefined,
      config: {
        shared: {},
        directory: ".",
        own: {
          auth: undefined,
          trustedProxies: [],
          authorization: {
            rules: [
              { allow: ["read"], on: ["builds", "control"], to: ["role:dev"] },
              { allow: ["read"], on: ["*"], to: ["anyone"] },
            ],
            otherwise: "deny",
            roles: { dev: { groups: ["dev"], emails: [], domains: [], usernames: [] } },
          },
        },
      },
    } as never);
    const roles = { dev: { groups: ["dev"], emails: [], domains: [], usernames: [] } };
    expect((await access.listener({ headers: {}, socket: {} } as never)).by).toBe("nothing");
    const user = (groups: string[]) =>
      userVisitor({ username: "u", email: null, fullName: null, groups }, "session", roles);
    const events = [
      "builds/1/new",
      "builders/1/builds/7/update",
      "workers/1/builds/7/finished",
      "builds/1/steps/3/updated",
      "steps/1/new",
      "logs/1/append",
      "steps/1/logs/stdio/append",
      "builds/1/properties/update",
      "control/builds/1/stop",
    ];
    for (const key of events) {
      expect(access.mayHear(user([]), key), key).toBe(false);
      expect(access.mayHear(user(["dev"]), key.split("/")), key).toBe(true);
    }
    for (const key of ["builders/1/started", "changes/1/new", "*/*/*", "buildrequests/1/new"])
      expect(access.mayHear(user([]), key), key).toBe(true);
  });
});

describe("a login by a proxy's header", () => {
  it("treats a socket from another site's page as anonymous", async () => {
    const { data } = await startRestServer(await newDatabase("sqlite"));
    const own = uiSlice.parse({ auth, trustedProxies });
    const access = createAccess({ data, config: { shared: {}, own, directory: "." } } as never);
    const from = (more: object) => {
      const headers = { ...bob, ...more };
      const headersDistinct = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]));
      return { headers, headersDistinct, socket: { remoteAddress: "127.0.0.1" } };
    };
    const names = ["http://ci.example", "https://evil.example", undefined].map(async (origin) => {
      const request = from({ host: "ci.example", ...(origin === undefined ? {} : { origin }) });
      return (await access.listener(request as never)).user?.username;
    });
    expect(await Promise.all(names)).toEqual(["bob", undefined, "bob"]);
  });

  it("is believed only of proxies that are trusted", async () => {
    const browser = new Browser();
    const server = await startRestServer(await newDatabase("sqlite"), { auth, trustedProxies: ["10.1.2.3"] });
    expect(await browser.whoAmI(server, ann)).toMatchObject({ anonymous: true, username: null });
  });

  it("does not count for what pages of other sites send", async () => {
    const server = await startRestServer(await newDatabase("sqlite"), { auth, trustedProxies });
    const answer = await new Browser().call(
      server,
      "workers/1",
      "pause",
      {},
      { ...bob, "sec-fetch-site": "same-site", origin: "" },
    );
    expect(answer.status).toBe(403);
  });
});
