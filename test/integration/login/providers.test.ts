import type { PluginDescriptor } from "@multimaster/config";
import { type Database, queryRows } from "@multimaster/database";
import bitbucket from "@multimaster/plugins/auth/bitbucket";
import github from "@multimaster/plugins/auth/github";
import gitlab from "@multimaster/plugins/auth/gitlab";
import google from "@multimaster/plugins/auth/google";
import keycloak from "@multimaster/plugins/auth/keycloak";
import openIdConnect from "@multimaster/plugins/auth/openid-connect";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Browser } from "../../harness/login-browser.ts";
import { client, type Provider, startProvider } from "../../harness/login-provider.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { engines, newDatabase } from "../../harness/test-databases.ts";

const shared = { url: "https://ci.example.org/" };

const start = (database: Database, auth: PluginDescriptor<"auth">) =>
  startRestServer(database, { auth, open: true }, undefined, undefined, shared);

/** Google's login, with another issuer than the one that it has. */
function googleAt(issuer: string, domains: string[]): PluginDescriptor<"auth"> {
  const { plugin, options } = google({ ...client, domains });
  return { plugin, options: { ...(options as object), issuer } };
}

/** Goes to the provider and comes back, maybe to another master. */
async function logIn(browser: Browser, provider: Provider, from: RestServer, to = from, query = "") {
  const { location } = await browser.get(from, `/auth/login${query}`);
  const back = await provider.approve(String(location));
  return browser.get(to, back.pathname + back.search);
}

describe.each(engines)("a login by OpenID Connect, on %s", (engine) => {
  let database: Database;
  let provider: Provider;
  let one: RestServer;
  let other: RestServer;
  let browser: Browser;
  beforeAll(async () => {
    database = await newDatabase(engine);
    provider = await startProvider();
    const auth = openIdConnect({ issuer: provider.url, ...client });
    [one, other] = await Promise.all([start(database, auth), start(database, auth)]);
  });
  beforeEach(() => {
    browser = new Browser();
    provider.falsify = {};
    provider.claims = {
      sub: "17",
      preferred_username: "ann",
      name: "Ann Example",
      email: "ann@example.org",
      email_verified: true,
      groups: ["dev", 5],
    };
  });

  it("sends people to the provider with state, nonce and PKCE, and back to the page they came from", async () => {
    const page = await browser.get(one, "/auth/login?redirect=/builders/1");
    const url = new URL(String(page.location));
    expect([page.status, url.origin + url.pathname]).toEqual([302, `${provider.url}/authorize`]);
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: "ci",
      redirect_uri: "https://ci.example.org/auth/login",
      response_type: "code",
      scope: "openid profile email",
      state: expect.stringMatching(/^[\w-]{40,}$/),
      nonce: expect.stringMatching(/^[\w-]{40,}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
    });
    expect(page.cookies[0]).toMatch(
      /^__Host-mm-login=[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax; Secure$/,
    );
    const back = await provider.approve(url.href);
    const home = await browser.get(one, back.pathname + back.search);
    expect([home.status, home.location]).toEqual([302, "../#/builders/1"]);
    expect([...browser.cookies.keys()]).toEqual(["__Host-mm-session"]);
    expect(await browser.whoAmI(one)).toMatchObject({
      username: "ann",
      full_name: "Ann Example",
      email: "ann@example.org",
      groups: ["dev"],
      auth: { name: "OpenID Connect", oauth2: true },
    });
  });

  it("may begin at one ui master and end at another", async () => {
    expect((await logIn(browser, provider, one, other)).status).toBe(302);
    expect((await browser.whoAmI(one)).username).toBe("ann");
  });

  it("is for the browser in which it began, and only once", async () => {
    const { location } = await browser.get(one, "/auth/login");
    const back = await provider.approve(String(location));
    const victim = new Browser();
    const stale = [400, expect.stringContaining("took too long, was used before, or was begun in another browser")];
    const page = await victim.get(one, back.pathname + back.search);
    expect([page.status, page.text]).toEqual(stale);
    const cookie = new Map(browser.cookies);
    expect((await browser.get(one, back.pathname + back.search)).status).toBe(302);
    for (const [name, value] of cookie) victim.cookies.set(name, value);
    const again = await victim.get(other, back.pathname + back.search);
    expect([again.status, again.text]).toEqual(stale);
    expect((await victim.whoAmI(one)).anonymous).toBe(true);
  });

  it("is refused when it took too long, or when the provider's answer belongs to another login", async () => {
    const { location } = await browser.get(one, "/auth/login");
    const back = await provider.approve(String(location));
    await queryRows(database, `update mm_begun_logins set expires_at = ${database.dialect.now} - 1`);
    expect((await browser.get(one, back.pathname + back.search)).status).toBe(400);
    await browser.get(one, "/auth/login");
    const foreign = await browser.get(one, back.pathname + back.search);
    expect([foreign.status, foreign.text]).toEqual([401, expect.stringContaining("did not log you in")]);
    expect((await browser.whoAmI(one)).anonymous).toBe(true);
  });

  it.each([
    ["is for another login", { nonce: "other" }],
    ["is by another issuer", { issuer: "https://evil.example" }],
    ["is for another client", { audience: "other" }],
    ["has expired", { expired: true }],
    ["was signed with another key", { foreignKey: true }],
    ["was not signed", { unsigned: true }],
    ["was signed with the secret between us and the provider", { signedWith: "our secret" } as const],
    ["was signed with the provider's public key as the secret", { signedWith: "the public key" } as const],
  ])("refuses a token that %s", async (_, falsify) => {
    provider.falsify = falsify;
    const page = await logIn(browser, provider, one);
    expect([page.status, page.text]).toEqual([401, expect.stringContaining("OpenID Connect did not log you in")]);
    expect((await browser.whoAmI(one)).anonymous).toBe(true);
  });

  it("reports when the provider refused, and repeats nothing from the address", async () => {
    const { location } = await browser.get(one, "/auth/login");
    const state = new URL(String(location)).searchParams.get("state");
    const page = await browser.get(
      one,
      `/auth/login?error=access_denied&error_description=<b>call+1234&state=${state}`,
    );
    expect([page.status, page.text]).toEqual([401, "OpenID Connect did not log you in: access was denied.\n"]);
  });

  describe("whose provider was not asked for an hour", () => {
    const later = () => queryRows(database, "update mm_sessions set checked_at = checked_at - 3700, asked_at = null");
    beforeEach(() => {
      provider.renewal = "refresh";
    });

    it("has the groups of today, and asks once for all masters", async () => {
      await logIn(browser, provider, one);
      provider.claims = { ...provider.claims, groups: ["qa"], email_verified: false };
      expect((await browser.whoAmI(one)).groups).toEqual(["dev"]);
      for (const _ of [1, 2]) {
        await later();
        provider.renewed = 0;
        const seen = await Promise.all([one, other, one, other, one].map((server) => browser.whoAmI(server)));
        expect(seen.every(({ anonymous }) => !anonymous)).toBe(true);
        expect(await browser.whoAmI(one)).toMatchObject({ groups: ["qa"], email: null });
        expect(provider.renewed).toBe(1);
      }
    });

    it("keeps what it needs to ask where no reader of the rows can use it", async () => {
      await logIn(browser, provider, one);
      const [row] = await queryRows<{ grant_box: string }>(
        database,
        "select grant_box from mm_sessions order by began_at desc limit 1",
      );
      expect(Buffer.from(String(row?.grant_box), "base64").toString("latin1")).not.toContain("access");
    });

    it("ends when the user is no more, or is another one now", async () => {
      for (const change of [
        () => (provider.renewal = "gone"),
        () => (provider.claims = { ...provider.claims, sub: "18" }),
      ]) {
        provider.renewal = "refresh";
        await logIn(browser, provider, one);
        await later();
        change();
        expect((await browser.whoAmI(other)).anonymous).toBe(true);
        provider.renewal = "refresh";
        expect((await browser.whoAmI(one)).anonymous).toBe(true);
        provider.claims = { ...provider.claims, sub: "17" };
      }
    });

    it("has no groups while the provider cannot be asked", async () => {
      await logIn(browser, provider, one);
      await later();
      provider.falsify = { unsigned: true };
      expect(await browser.whoAmI(one)).toMatchObject({ anonymous: false, groups: [], email: null });
    });

    it("is no session of a cluster with another issuer or client", async () => {
      await logIn(browser, provider, one);
      const elsewhere = await start(database, openIdConnect({ issuer: provider.url, ...client, clientId: "other" }));
      expect((await browser.whoAmI(elsewhere)).anonymous).toBe(true);
    });
  });

  it("takes no address that is not verified, and no name that looks like one", async () => {
    provider.claims = { ...provider.claims, email_verified: false, preferred_username: "boss@example.org" };
    await logIn(browser, provider, one);
    expect(await browser.whoAmI(one)).toMatchObject({ username: "17", email: null });
  });
});

describe("the presets", () => {
  let database: Database;
  let browser: Browser;
  beforeAll(async () => {
    database = await newDatabase("sqlite");
  });
  beforeEach(() => {
    browser = new Browser();
  });

  it("Keycloak: a realm's issuer", async () => {
    const provider = await startProvider({ basePath: "/realms/acme" });
    provider.claims = { sub: "1", preferred_username: "ann", groups: ["/dev"] };
    const url = provider.url.replace("/realms/acme", "/");
    const server = await start(database, keycloak({ url, realm: "acme", ...client }));
    await logIn(browser, provider, server);
    expect(await browser.whoAmI(server)).toMatchObject({
      username: "ann",
      groups: ["/dev"],
      auth: { name: "Keycloak", oauth2: true },
    });
  });

  it("GitLab: the nickname, and paths of groups", async () => {
    const provider = await startProvider();
    provider.claims = { sub: "1", nickname: "ann", groups: ["acme/dev"], email: "a@b.example", email_verified: true };
    const server = await start(database, gitlab({ url: `${provider.url}/`, ...client }));
    await logIn(browser, provider, server);
    expect(await browser.whoAmI(server)).toMatchObject({
      username: "ann",
      email: "a@b.example",
      groups: ["acme/dev"],
      auth: { name: "GitLab", fa_icon: "fa-gitlab" },
    });
  });

  it("Google: its own issuer, and the address as name", () => {
    expect(google(client).options).toMatchObject({ issuer: "https://accounts.google.com", usernameClaim: "email" });
  });

  it("GitHub: the primary verified address, organisations and teams", async () => {
    const provider = await startProvider({ openId: false });
    provider.api = {
      "/api/v3/user": { login: "ann", name: null },
      "/api/v3/user/emails": [
        { email: "old@example.org", primary: false, verified: true },
        { email: "ann@example.org", primary: true, verified: true },
      ],
      "/api/v3/user/orgs": [{ login: "acme" }],
      "/api/v3/user/teams": [{ slug: "core", organization: { login: "acme" } }],
    };
    const server = await start(database, github({ url: provider.url, ...client }));
    const page = await browser.get(server, "/auth/login");
    const url = new URL(String(page.location));
    expect([url.pathname, url.searchParams.get("scope")]).toEqual(["/login/oauth/authorize", "user:email read:org"]);
    const back = await provider.approve(url.href);
    expect((await browser.get(server, back.pathname + back.search)).status).toBe(302);
    expect(await browser.whoAmI(server)).toMatchObject({
      username: "ann",
      email: "ann@example.org",
      groups: ["acme", "acme/core"],
      auth: { name: "GitHub", fa_icon: "fa-github" },
    });
    const thief = new Browser();
    const { location } = await thief.get(server, "/auth/login");
    const state = new URL(String(location)).searchParams.get("state");
    expect((await thief.get(server, `/auth/login?code=guessed&state=${state}`)).status).toBe(401);
    expect((await thief.get(server, "/auth/login?code=guessed&state=guessed")).status).toBe(400);
  });

  it("Bitbucket: the confirmed address, and workspaces", async () => {
    const provider = await startProvider({ openId: false });
    provider.api = {
      "/2.0/user": { username: "ann", display_name: "Ann" },
      "/2.0/user/emails": { values: [{ email: "ann@example.org", is_primary: true, is_confirmed: false }] },
      "/2.0/workspaces": { values: [{ slug: "acme" }] },
    };
    const server = await start(database, bitbucket({ url: provider.url, apiUrl: provider.url, ...client }));
    await logIn(browser, provider, server);
    expect(await browser.whoAmI(server)).toMatchObject({
      username: "ann",
      full_name: "Ann",
      email: null,
      groups: ["acme"],
      auth: { name: "Bitbucket", fa_icon: "fa-bitbucket" },
    });
  });

  it.each([
    ["GitHub", (url: string) => github({ url, ...client, organizations: ["Acme"] }), "acme"],
    ["GitLab", (url: string) => gitlab({ url, ...client, groups: ["acme"] }), "acme"],
    ["Keycloak", (url: string) => keycloak({ url, realm: "acme", ...client, groups: ["acme"] }), "acme"],
    ["Bitbucket", (url: string) => bitbucket({ url, apiUrl: url, ...client, workspaces: ["acme"] }), "acme"],
    ["OpenID Connect", (url: string) => openIdConnect({ issuer: url, ...client, domains: ["acme.org"] }), "acme.org"],
    ["Google", (url: string) => googleAt(url, ["acme.org"]), "acme.org"],
  ])("%s: only of those whom the config admits", async (name, login, admitted) => {
    const openId = !["GitHub", "Bitbucket"].includes(name);
    const provider = await startProvider({ openId, ...(name === "Keycloak" ? { basePath: "/realms/acme" } : {}) });
    const server = await start(database, login(provider.url.replace("/realms/acme", "/")));
    const become = (group: string) => {
      provider.claims = { sub: "1", groups: [group], hd: group, email: `ann@${group}`, email_verified: true };
      provider.api = {
        "/api/v3/user": { login: "ann" },
        "/api/v3/user/emails": [],
        "/api/v3/user/orgs": [{ login: group }],
        "/api/v3/user/teams": [{ slug: admitted, organization: { login: group } }],
        "/2.0/user": { username: "ann" },
        "/2.0/user/emails": { values: [] },
        "/2.0/workspaces": { values: [{ slug: group }] },
      };
    };
    for (const stranger of ["evil", `${admitted}.evil`, `evil-${admitted}`, ""]) {
      become(stranger);
      const page = await logIn(browser, provider, server);
      expect([stranger, page.status, page.text]).toEqual([
        stranger,
        401,
        expect.stringMatching(
          `${name} did not log you in: only members of the .* ${admitted}`.replace("acme", "[aA]cme"),
        ),
      ]);
      expect(await browser.whoAmI(server)).toMatchObject({ anonymous: true });
    }
    // A verified address at the domain is not enough where the provider says which domain an account is of.
    if (name === "Google") {
      Object.assign(provider.claims, { email: "ann@acme.org", hd: undefined });
      expect((await logIn(browser, provider, server)).status).toBe(401);
    }
    become(admitted);
    expect((await logIn(browser, provider, server)).status).toBe(302);
    expect(await browser.whoAmI(server)).toMatchObject({ anonymous: false });
  });

  it("a provider that is away: in a sentence, and tried again by the next login", async () => {
    const provider = await startProvider();
    const server = await start(database, openIdConnect({ issuer: `${provider.url}/nowhere`, name: "Door", ...client }));
    const page = await browser.get(server, "/auth/login");
    expect([page.status, page.text]).toEqual([
      503,
      "Door could not be asked for your identity: see the master's log.\n",
    ]);
  });
});
