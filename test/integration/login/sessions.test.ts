import { hashPassword } from "@multimaster/core";
import { type Database, queryRows } from "@multimaster/database";
import password from "@multimaster/plugins/auth/password";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Browser } from "../../harness/login-browser.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

const session = "mm-session";

describe.each(engines)("a login by password, on %s", (engine) => {
  let database: Database;
  let users: Record<string, object>;
  let one: RestServer;
  let other: RestServer;
  let browser: Browser;
  beforeAll(async () => {
    users = {
      ann: {
        password: await hashPassword("correct horse"),
        email: "ann@example.org",
        fullName: "Ann Example",
        groups: ["dev"],
      },
      bob: { password: await hashPassword("battery staple") },
    };
    database = await newDatabase(engine);
    [one, other] = await Promise.all([startUi(users), startUi(users)]);
  });
  beforeEach(() => {
    browser = new Browser();
  });
  const startUi = (known: typeof users, shared = {}) =>
    startRestServer(database, { auth: password({ users: known as never }) }, undefined, undefined, shared);
  const count = async (table: string) =>
    Number((await queryRows<{ n: number }>(database, `select count(*) as n from ${table}`))[0]?.n);

  it("makes a session that all ui masters know, as the user that the config describes", async () => {
    const form = await browser.get(one, "/auth/login?redirect=/schedulers");
    expect([form.status, form.cookies]).toEqual([200, []]);
    expect(form.text).toContain('name="redirect" value="/schedulers"');
    const page = await browser.logIn(one, "ann", "correct horse", { redirect: "/schedulers" });
    expect([page.status, page.location]).toEqual([303, "../#/schedulers"]);
    for (const server of [one, other])
      expect(await browser.whoAmI(server)).toEqual({
        anonymous: false,
        audits: true,
        accounts: false,
        tries: false,
        reports: true,
        retries: true,
        notes: { comment: true, comment_builds: true, mute: true, take: true, withdraw: true },
        by: "session",
        username: "ann",
        email: "ann@example.org",
        full_name: "Ann Example",
        groups: ["dev"],
        roles: [],
        scope: "all",
        auth: { name: "UserPasswordAuth" },
      });
    expect(await new Browser().whoAmI(one)).toMatchObject({ anonymous: true, by: "nothing", username: null });
  });

  it("is kept in a cookie that scripts and other sites do not get, and in rows that do not hold it", async () => {
    const page = await browser.logIn(one, "ann", "correct horse");
    expect(page.cookies).toEqual([
      expect.stringMatching(/^mm-session=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/),
    ]);
    const rows = JSON.stringify(await queryRows(database, "select * from mm_sessions"));
    expect(rows).not.toContain(browser.cookies.get(session));
    const secure = await startUi(users, { url: "https://ci.example.org/" });
    const visitor = new Browser("https://ci.example.org");
    expect((await visitor.logIn(secure, "ann", "correct horse")).cookies[0]).toMatch(
      /^__Host-mm-session=.*; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    expect((await visitor.whoAmI(secure)).username).toBe("ann");
  });

  it("is refused alike for a wrong password and an unknown name", async () => {
    for (const [name, secret] of [
      ["ann", "battery staple"],
      ["nobody", "correct horse"],
      ["ann", ""],
      ["constructor", "x"],
    ] as const) {
      const page = await browser.logIn(one, name, secret);
      expect([page.status, page.cookies]).toEqual([401, []]);
      expect(page.text).toContain("No user has this name and password; check both and log in again.");
      expect(page.text).not.toContain("correct horse");
    }
    expect((await browser.logIn(one, '"><script>alert(1)</script>', "x")).text).not.toContain("<script>");
  });

  it("takes name and password as basic authentication, too", async () => {
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    const headers = basic("ann:correct horse");
    const page = await browser.post(one, "/auth/login?redirect=/about", { headers });
    expect([page.status, page.location]).toEqual([303, "../#/about"]);
    expect((await browser.whoAmI(other)).username).toBe("ann");
    expect((await new Browser().post(one, "/auth/login", { headers: basic("ann:no") })).status).toBe(401);
    // A link, or a picture, could do this in anybody's browser.
    const link = await new Browser().get(one, "/auth/login", { headers });
    expect([link.status, link.cookies, link.text]).toEqual([405, [], "Use the HTTP method POST here.\n"]);
    const elsewhere = await new Browser("https://evil.example").post(one, "/auth/login", { headers });
    expect([elsewhere.status, elsewhere.cookies]).toEqual([403, []]);
  });

  it("starts a new session each time, and ends the former one", async () => {
    await browser.logIn(one, "ann", "correct horse");
    const first = browser.cookies.get(session) as string;
    await browser.logIn(other, "bob", "battery staple");
    expect(browser.cookies.get(session)).not.toBe(first);
    const thief = new Browser();
    thief.cookies.set(session, first);
    expect((await thief.whoAmI(one)).anonymous).toBe(true);
    // A session id planted in the browser before the login is worthless after it.
    thief.cookies.set(session, "A".repeat(43));
    await thief.logIn(one, "ann", "correct horse");
    expect(thief.cookies.get(session)).not.toBe("A".repeat(43));
  });

  it("ends on all devices together with its entry in the audit trail, or not at all", async () => {
    await browser.logIn(one, "bob", "battery staple");
    const { logins } = one.data.updates;
    const [row] = await queryRows<{ method: string }>(
      database,
      "select method from mm_sessions where username = 'bob'",
    );
    const failing = logins.endAll(row?.method ?? "", "bob", async () => {
      throw new Error("the trail cannot be written");
    });
    await expect(failing).rejects.toThrow("the trail");
    expect(await browser.whoAmI(other)).toMatchObject({ username: "bob" });
    await browser.post(other, "/auth/logout?everywhere=1");
    expect(
      await queryRows(database, "select action, object from mm_audit where name = 'bob' and action = 'logout'"),
    ).toEqual([{ action: "logout", object: "sessions on all devices" }]);
    expect(await browser.whoAmI(one)).toMatchObject({ anonymous: true });
  });

  it("ends with the logout, on all masters; everywhere, on all devices of this user", async () => {
    const [phone, laptop, bob] = [new Browser(), new Browser(), new Browser()];
    await Promise.all([phone, laptop].map((each) => each.logIn(one, "ann", "correct horse")));
    await bob.logIn(one, "bob", "battery staple");
    const stolen = new Browser();
    stolen.cookies.set(session, phone.cookies.get(session) as string);
    const page = await phone.get(one, "/auth/logout?redirect=/about");
    expect([page.status, page.location, phone.cookies.size]).toEqual([302, "../#/about", 0]);
    expect((await stolen.whoAmI(other)).anonymous).toBe(true);
    expect((await laptop.whoAmI(other)).username).toBe("ann");
    await phone.logIn(one, "ann", "correct horse");
    await phone.post(other, "/auth/logout?everywhere=1");
    expect((await laptop.whoAmI(one)).anonymous).toBe(true);
    expect((await bob.whoAmI(one)).username).toBe("bob");
  });

  it("ends when it expires, and leaves no row", async () => {
    await browser.logIn(one, "ann", "correct horse");
    await queryRows(database, `update mm_sessions set expires_at = ${database.dialect.now} - 1`);
    expect((await browser.whoAmI(one)).anonymous).toBe(true);
    await one.data.updates.logins.cleanUp();
    expect(await count("mm_sessions")).toBe(0);
  });

  it("ends when the config has the user, or this kind of login, no more", async () => {
    await browser.logIn(one, "bob", "battery staple");
    const { bob: _, ...left } = users;
    expect((await browser.whoAmI(await startUi(left))).anonymous).toBe(true);
    expect((await browser.whoAmI(await startRestServer(database))).anonymous).toBe(true);
    expect((await browser.whoAmI(one)).username).toBe("bob");
  });

  it("follows the config: groups, address and password are those of today", async () => {
    await browser.logIn(one, "ann", "correct horse");
    const demoted = await startUi({ ann: { ...users["ann"], groups: [], email: null } });
    expect(await browser.whoAmI(demoted)).toMatchObject({ username: "ann", groups: [], email: null });
    // The same password, but set again.
    const rehashed = await startUi({ ann: { ...users["ann"], password: await hashPassword("correct horse") } });
    expect((await browser.whoAmI(rehashed)).anonymous).toBe(true);
    expect((await browser.whoAmI(one)).anonymous).toBe(false);
  });

  it("treats a cookie that is no session as anonymous", async () => {
    for (const forged of ["", "x", "../../etc", "B".repeat(43), "C".repeat(5000)]) {
      browser.cookies.set(session, forged);
      expect((await browser.whoAmI(one)).anonymous).toBe(true);
    }
  });

  it.each([
    ["redirect=https://evil.example/", "../#https://evil.example/"],
    ["redirect=%0d%0aSet-Cookie:x=y", "../#%0D%0ASet-Cookie:x=y"],
    ["return=//evil.example/", "../"],
    ["return=/%5Cevil.example/", "../"],
    ["return=https://evil.example/", "../"],
    ["return=/%09/evil.example/", "../"],
    ["return=/..//evil.example/", "../evil.example/"],
    ["return=/builders/1?tab=x%23y", "../builders/1?tab=x#y"],
  ])("leads to no other site: %s", async (query, location) => {
    expect((await browser.get(one, `/auth/logout?${query}`)).location).toBe(location);
  });

  it("does not count for what pages of other sites send", async () => {
    await browser.logIn(one, "ann", "correct horse");
    for (const headers of [{ "sec-fetch-site": "cross-site" }, { "sec-fetch-site": "same-site" }]) {
      const answer = await browser.call(one, "workers/1", "pause", {}, { ...headers, origin: "" });
      expect([answer.status, answer.body.error]).toEqual([403, expect.stringContaining("belongs to another site")]);
    }
    const evil = new Browser("https://evil.example");
    evil.cookies.set(session, browser.cookies.get(session) as string);
    expect((await evil.call(one, "workers/1", "pause")).status).toBe(400);
    expect((await evil.logIn(one, "ann", "correct horse")).status).toBe(403);
    await evil.get(one, "/auth/logout", { headers: { "sec-fetch-site": "cross-site" } });
    expect((await browser.whoAmI(one)).username).toBe("ann");
    expect((await browser.call(one, "workers/1", "pause")).status).toBe(404);
  });

  it("is refused for a while when too many have failed, also with the right password then", async () => {
    const guesser = await startUi(users);
    const tries = await Promise.all(Array.from({ length: 8 }, () => new Browser().logIn(guesser, "ann", "guess")));
    expect(tries.filter(({ status }) => status === 401)).toHaveLength(5);
    const last = await browser.logIn(guesser, "ann", "correct horse");
    expect([last.status, last.text]).toEqual([429, expect.stringMatching(/Too many logins have failed; try again in/)]);
    expect((await browser.logIn(guesser, "bob", "battery staple")).status).toBe(303);
  });

  it("answers pages with headers that keep other sites out", async () => {
    const { headers } = await browser.get(one, "/auth/login");
    expect(headers.get("content-security-policy")).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("same-origin");
  });
});

it("a cluster without a login says so", async () => {
  const server = await startRestServer(await newDatabase("sqlite"));
  const browser = new Browser();
  const page = await browser.get(server, "/auth/login");
  expect([page.status, page.text]).toEqual([501, expect.stringContaining("This cluster has no login page")]);
  expect((await browser.whoAmI(server)).auth).toEqual({ name: "NoAuth" });
});
