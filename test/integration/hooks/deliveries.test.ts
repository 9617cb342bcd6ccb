import { createHash, createHmac } from "node:crypto";
import { env, type PluginDescriptor, uiSlice } from "@multimaster/config";
import { changes as changeResource } from "@multimaster/data";
import { execute, upgradeDatabase } from "@multimaster/database";
import base from "@multimaster/plugins/hooks/base";
import gerrit from "@multimaster/plugins/hooks/gerrit";
import github from "@multimaster/plugins/hooks/github";
import gitlab from "@multimaster/plugins/hooks/gitlab";
import { beforeAll, describe, expect, it } from "vitest";
import {
  deliver,
  type Forge,
  forges,
  open,
  postHead,
  readChanges,
  secret,
  startHookServer,
} from "../../harness/deliver-hook.ts";
import {
  cloudBranch,
  cloudPush,
  gerritPatchSet,
  ghCommit,
  ghPull,
  ghPush,
  giteaPush,
  glPush,
  serverChange,
  serverPush,
  sha,
} from "../../harness/hook-payloads.ts";
import type { RestServer } from "../../harness/rest-server.ts";
import { table } from "../../harness/table.ts";
import { engines, newDatabase, newDatabaseUrl, openTestDatabase } from "../../harness/test-databases.ts";

const pushes: Record<Forge, { event: string; payload: unknown }> = {
  github: { event: "push", payload: ghPush() },
  gitlab: { event: "Push Hook", payload: glPush() },
  gitea: { event: "push", payload: giteaPush() },
  bitbucketcloud: {
    event: "repo:push",
    payload: cloudPush([{ new: cloudBranch("main", 1) }, { new: cloudBranch("b", 2) }]),
  },
  bitbucketserver: {
    event: "repo:refs_changed",
    payload: serverPush([serverChange("main", 1), serverChange("b", 2)]),
  },
  gerrit: { event: "", payload: gerritPatchSet() },
};
const names = Object.keys(forges) as Forge[];
const contentOf = ({ payload }: { payload: unknown }) =>
  createHash("sha256").update(JSON.stringify(payload)).digest("hex");

describe.each(engines)("a delivery on %s", (engine) => {
  it.each(names)("of %s that comes again brings nothing new", async (forge) => {
    const server = await startHookServer(await newDatabase(engine));
    const delivery = { forge, id: "d-1", ...pushes[forge] };
    expect((await deliver(server, delivery)).status).toBe(202);
    const changes = await readChanges(server);
    expect(changes.length).toBeGreaterThan(0);
    const again = await deliver(server, delivery);
    expect(again).toEqual({ status: 202, text: "no change found: this delivery was stored before" });
    expect(await readChanges(server)).toEqual(changes);
  });

  it.each(["github", "gitea", "bitbucketcloud", "bitbucketserver", "gerrit"] as const)(
    "of %s that was overheard brings nothing under another id either",
    async (forge) => {
      const server = await startHookServer(await newDatabase(engine));
      expect((await deliver(server, { forge, id: "d-1", ...pushes[forge] })).status).toBe(202);
      const changes = await readChanges(server);
      const again = await deliver(server, { forge, id: "d-2", ...pushes[forge] });
      expect(again).toEqual({ status: 202, text: "no change found: this delivery was stored before" });
      expect(await readChanges(server)).toEqual(changes);
    },
  );

  it("is known by its forge, and its changes by their place in it", async () => {
    const database = await newDatabase(engine);
    const server = await startHookServer(database);
    await deliver(server, { forge: "github", id: "same", ...pushes.github });
    expect((await deliver(server, { forge: "gitlab", id: "same", ...pushes.gitlab })).text).toBe("2 change found");
    const rows = await table(database, "mm_change_deliveries").orderBy("changeid").select("delivery");
    expect(rows.map(({ delivery }) => delivery)).toEqual([
      `github:${contentOf(pushes.github)}/1`,
      `github:${contentOf(pushes.github)}/2`,
      `github:${contentOf(pushes.github)}/3`,
      "gitlab:same/1",
      "gitlab:same/2",
    ]);
  });

  it("of GitLab is known by its key where it has one: a webhook set off by another has the other's event id", async () => {
    const server = await startHookServer(await newDatabase(engine));
    const post = async (key: string) => {
      const headers = { "x-gitlab-token": secret, "x-gitlab-event-uuid": "same", "idempotency-key": key };
      const body = JSON.stringify(glPush());
      return (await fetch(new URL("change_hook/gitlab", server.url), { method: "POST", body, headers })).text();
    };
    expect(await post("a")).toBe("2 change found");
    expect(await post("b")).toBe("2 change found");
    expect(await post("a")).toBe("no change found: this delivery was stored before");
  });

  it("that comes to two ui masters at the same time is stored once, whatever it is", async () => {
    const url = await newDatabaseUrl(engine);
    const first = await openTestDatabase(url);
    await upgradeDatabase(first);
    // SQLite has one process, and one connection, for all masters.
    const second = engine === "sqlite" ? first : await openTestDatabase(url);
    const servers = [await startHookServer(first), await startHookServer(second)];
    let expected = 0;
    for (let n = 0; n < 8; n++) {
      const commits = Array.from({ length: 1 + (n % 4) * 7 }, (_, i) => ghCommit(`${n}${i}`));
      expected += commits.length;
      const delivery = { forge: "github", event: "push", payload: ghPush({ commits }), id: `at once ${n}` } as const;
      const answers = await Promise.all([...servers, ...servers].map((server) => deliver(server, delivery)));
      expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202]);
      expect(answers.filter(({ text }) => text === `${commits.length} change found`)).toHaveLength(1);
    }
    const revisions = (await readChanges(servers[0] as RestServer)).map(({ revision }) => revision);
    expect(revisions).toHaveLength(expected);
    expect(new Set(revisions).size).toBe(expected);
  });

  it("is stored whole or not at all, and not acknowledged when it is not", async () => {
    const database = await newDatabase(engine);
    const server = await startHookServer(database);
    // The id of the third change is taken, as nothing but a fault can do it: the first two must not stay.
    const { changeid } = await server.data.updates.changes.add({ author: "a", comments: "" });
    await execute(database, "insert into mm_change_deliveries (delivery, changeid, received_at) values (?, ?, 1)", [
      `github:${contentOf(pushes.github)}/3`,
      changeid,
    ]);
    expect((await deliver(server, { forge: "github", id: "x", ...pushes.github })).status).toBe(500);
    expect(await readChanges(server)).toHaveLength(1);
    await execute(database, "delete from mm_change_deliveries", []);
    expect((await deliver(server, { forge: "github", id: "x", ...pushes.github })).text).toBe("3 change found");
  });

  it("that was stored in part, because the master died, is completed by the next", async () => {
    const database = await newDatabase(engine);
    const server = await startHookServer(database);
    const commits = Array.from({ length: 250 }, (_, n) => ghCommit(`${n}-`));
    const payload = ghPush({ commits });
    const delivery = { forge: "github", event: "push", payload, id: "long" } as const;
    // Nothing but a fault takes the name of the 150th: the first hundred are stored, and the delivery is refused.
    const { changeid } = await server.data.updates.changes.add({ author: "a", comments: "" });
    const name = `github:${contentOf({ payload })}/150`;
    await execute(database, "insert into mm_change_deliveries (delivery, changeid, received_at) values (?, ?, 1)", [
      name,
      changeid,
    ]);
    expect((await deliver(server, delivery)).status).toBe(500);
    expect(await readChanges(server)).toHaveLength(101);
    await execute(database, "delete from mm_change_deliveries where delivery = ?", [name]);
    expect((await deliver(server, delivery)).text).toBe("150 change found");
    const revisions = (await readChanges(server)).slice(1).map(({ revision }) => revision);
    expect(revisions).toEqual(commits.map(({ id }) => id));
    expect((await deliver(server, delivery)).text).toBe("no change found: this delivery was stored before");
  });

  it("of GitLab is distinguished from what scripts call theirs", async () => {
    const server = await startHookServer(await newDatabase(engine), {
      hooks: [gitlab({ secret }), base({ anybody: true })],
    });
    const script = { author: "a", comments: "" };
    for (const taken of ["gitlab:d-1/1", "gitlab:d-1", "d-1/1", "base:gitlab:d-1/1"]) {
      const form = new URLSearchParams({ ...script, delivery: taken });
      expect((await fetch(new URL("change_hook/base", server.url), { method: "POST", body: form })).status).toBe(202);
      const params = { ...script, delivery: taken };
      await server.post("/api/v2/changes", { jsonrpc: "2.0", id: 1, method: "add", params });
    }
    const before = (await readChanges(server)).length;
    expect(before).toBe(8);
    expect((await deliver(server, { forge: "gitlab", id: "d-1", ...pushes.gitlab })).text).toBe("2 change found");
  });

  it("of more than a change may hold is cut, whatever brings it, and lists show a part of its files", async () => {
    const server = await startHookServer(await newDatabase(engine), {
      hooks: [github({ secret }), base({ anybody: true })],
    });
    const many = Array.from({ length: 10_050 }, (_, n) => `f${n}`);
    const commits = [{ ...ghCommit(1), added: many, removed: [], modified: [] }];
    await deliver(server, { forge: "github", event: "push", payload: ghPush({ commits }) });
    const body = new URLSearchParams({ author: "a", files: JSON.stringify(many) });
    await fetch(new URL("change_hook/base", server.url), { method: "POST", body });
    const comments = "c".repeat(70_000);
    const params = { author: "a", comments, files: many };
    await server.post("/api/v2/changes", { jsonrpc: "2.0", id: 1, method: "add", params });
    const listed = await readChanges(server);
    expect(listed).toHaveLength(3);
    for (const { changeid, files, properties } of listed) {
      expect([files.length, properties.files_omitted]).toEqual([100, 50]);
      const [one] = (await server.get(`/api/v2/changes/${changeid}`)).body.changes;
      expect(one.files).toHaveLength(10_000);
      expect(one.files).toEqual(expect.arrayContaining(files));
    }
    expect(listed[2]?.["comments"]).toHaveLength(64 * 1024);
    expect((await server.get(`/api/v2/changes/${listed[2]?.["changeid"]}`)).body.changes[0].comments).toBe(comments);
    expect((await server.get("/api/v2/changes?files__contains=f9998")).body.changes).toHaveLength(3);
    // What schedulers read is whole.
    const found = await server.data.find(changeResource);
    expect(found.rows.map((change) => change.files.length)).toEqual([10_000, 10_000, 10_000]);
  });

  it("names no owner, whatever hook delivers it", async () => {
    const transform = (change: object) => ({ ...change, properties: { owner: "root" } }) as never;
    const server = await startHookServer(await newDatabase(engine), {
      hooks: [github({ secret, transform }), base({ anybody: true })],
    });
    await deliver(server, { forge: "github", ...pushes.github });
    const body = new URLSearchParams({ author: "a", properties: '{"owner": "root", "x": 1}' });
    await fetch(new URL("change_hook/base", server.url), { method: "POST", body });
    const found = await readChanges(server);
    expect(found).toHaveLength(4);
    for (const { properties } of found) expect(properties).toMatchObject({ change_owner: "root" });
    for (const { properties } of found) expect(properties).not.toHaveProperty("owner");
  });

  it("of a push of 300 commits is 300 changes in their order", async () => {
    const server = await startHookServer(await newDatabase(engine));
    const commits = Array.from({ length: 300 }, (_, n) => ghCommit(`${n}-`));
    const answer = await deliver(server, { forge: "github", event: "push", payload: ghPush({ commits }), id: "long" });
    expect(answer).toEqual({ status: 202, text: "300 change found" });
    expect((await readChanges(server)).map(({ revision }) => revision)).toEqual(commits.map(({ id }) => id));
  });
});

describe("who sends it is checked first:", () => {
  let server: RestServer;
  beforeAll(async () => {
    server = await startHookServer(await newDatabase("sqlite"));
  });

  it.each(names)("%s without a signature, with a wrong one, with one of another body", async (forge) => {
    const delivery = { forge, id: forge, ...pushes[forge] };
    const missing = await deliver(server, { ...delivery, signature: null });
    expect([missing.status, missing.text]).toEqual([401, expect.stringMatching(/^The request has no .*secret/)]);
    const other = forge === "gitea" ? "" : "sha256=";
    const forged = `${other}${createHmac("sha256", "guessed").update("x").digest("hex")}`;
    for (const signature of [forged, `${other}0`, secret.slice(0, -1), `${secret} `.repeat(9), "\u00e9"]) {
      const wrong = await deliver(server, { ...delivery, signature });
      expect([wrong.status, wrong.text]).toEqual([403, expect.stringMatching(/does not match this hook's secret/)]);
      expect(wrong.text).not.toContain(secret);
    }
    // Also before anything is said about the body.
    expect((await deliver(server, { ...delivery, body: "{", signature: null })).status).toBe(401);
    expect(await readChanges(server)).toEqual([]);
  });

  it.each(names)(
    "what %s signed rightly is nothing at the hooks of others, which have secrets of their own",
    async (forge) => {
      const hooks = names.map((name) =>
        forges[name]({ secret: name === forge ? secret : `the secret of ${name}`, forks: true }),
      );
      const own = await startHookServer(await newDatabase("sqlite"), { hooks });
      for (const to of names.filter((name) => name !== forge)) {
        const { status } = await deliver(own, { forge, id: `for ${to}`, ...pushes[forge], to });
        expect([401, 403], to).toContain(status);
      }
      expect(await readChanges(own)).toEqual([]);
      expect((await deliver(own, { forge, id: "own", ...pushes[forge] })).status).toBe(202);
    },
  );

  it.each(names)("%s refuses a stranger before it reads what they send", async (forge) => {
    const signatures = [null, "guessed", ...(forge === "gitlab" || forge === "gerrit" ? [] : ["sha256=00"])];
    for (const signature of signatures) {
      expect([401, 403]).toContain(await postHead(server, { forge, ...pushes[forge], signature }));
    }
  });

  it("and so does a hook that asks for a password", async () => {
    const asked = await startHookServer(await newDatabase("sqlite"), {
      hooks: [base()],
      changeHookAuth: { user: "ci", password: "p" },
    });
    expect(await postHead(asked, { forge: "base", event: "", signature: null })).toBe(401);
  });

  it("a body that was changed on its way is refused", async () => {
    const signature = `sha256=${createHmac("sha256", secret).update(JSON.stringify(ghPush())).digest("hex")}`;
    const payload = ghPush({ ref: "refs/heads/release" });
    expect((await deliver(server, { forge: "github", event: "push", payload, signature })).status).toBe(403);
  });

  it("the signature of before 2020 is good, too, but not beside a wrong new one", async () => {
    const body = JSON.stringify(ghPull());
    const old = `sha1=${createHmac("sha1", secret).update(body).digest("hex")}`;
    const post = (more: Record<string, string>) =>
      fetch(new URL("change_hook/github", server.url), {
        method: "POST",
        body,
        headers: { "content-type": "application/json", "x-github-event": "push", "x-hub-signature": old, ...more },
      });
    // Signed rightly; that it is no push is found out after that.
    expect((await post({})).status).toBe(400);
    expect((await post({ "x-hub-signature-256": "sha256=00" })).status).toBe(403);
  });

  it("without strict an unsigned request passes, a wrongly signed one does not", async () => {
    const lax = await startHookServer(await newDatabase("sqlite"), { hooks: [github({ secret, strict: false })] });
    const delivery = { forge: "github", id: "1", ...pushes.github } as const;
    expect((await deliver(lax, { ...delivery, signature: "sha256=00" })).status).toBe(403);
    expect((await deliver(lax, { ...delivery, signature: null })).status).toBe(202);
  });

  it("changeHookAuth asks those for a password that know no signature, and only those", async () => {
    const changeHookAuth = { user: "ci", password: "pass:wörd" };
    const hooks = [github({ secret }), gitlab(), gerrit(), base()];
    const asked = await startHookServer(await newDatabase("sqlite"), { hooks, changeHookAuth });
    expect((await deliver(asked, { forge: "github", id: "1", ...pushes.github })).status).toBe(202);
    const post = (path: string, authorization?: string) =>
      fetch(new URL(`change_hook/${path}`, asked.url), {
        method: "POST",
        body: new URLSearchParams({ author: "a" }),
        headers: authorization === undefined ? {} : { authorization },
      });
    const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`;
    for (const header of [undefined, basic("ci:wrong"), basic("other:pass:wörd"), "Bearer x", "Basic !"]) {
      const answer = await post("base", header);
      expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([401, expect.stringContaining("Basic")]);
    }
    expect((await post("base", basic("ci:pass:wörd"))).status).toBe(202);
    expect((await post("gitlab")).status).toBe(401);
    expect((await post("gerrit")).status).toBe(401);
  });

  it("a page of another site cannot have its reader's browser post a change", async () => {
    const open = await startHookServer(await newDatabase("sqlite"), { hooks: [base({ anybody: true })] });
    const post = (headers: Record<string, string>) =>
      fetch(new URL("change_hook/base", open.url), {
        method: "POST",
        body: new URLSearchParams({ author: "a" }),
        headers,
      });
    expect((await post({ origin: "https://evil.example" })).status).toBe(403);
    expect((await post({ "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await post({ origin: new URL(open.url).origin })).status).toBe(202);
    expect(await readChanges(open)).toHaveLength(1);
  });
});

describe("a mistake is answered with a sentence:", () => {
  let server: RestServer;
  beforeAll(async () => {
    server = await startHookServer(await newDatabase("sqlite"));
  });

  it.each([
    ["no JSON", "{", "There is no JSON in the request's body."],
    ["nothing", "", "There is no JSON in the request's body."],
    ["a list", "[1]", "The payload is not a JSON object."],
    ["nothing but null", "null", "The payload is not a JSON object."],
    ["too deep", `{"a":${"[".repeat(200)}${"]".repeat(200)}}`, "The payload is nested deeper than 100 levels."],
    ["another event", "{}", "The payload of this push is not as expected: "],
    [
      "a commit without an id",
      JSON.stringify(ghPush({ commits: [{ message: "x" }] })),
      "The payload of this push is not as expected: commits.0.id: ",
    ],
  ])("%s", async (_, body, sentence) => {
    const answer = await deliver(server, { forge: "github", event: "push", payload: {}, body });
    expect([answer.status, answer.text.slice(0, sentence.length)]).toEqual([400, sentence]);
  });

  it.each(names)("%s sent an empty object, or values of the wrong kind", async (forge) => {
    const events = [pushes[forge].event, "pull_request", "Merge Request Hook", "pullrequest:created", "pr:opened"];
    for (const event of events) {
      for (const payload of [
        {},
        { type: "ref-updated" },
        {
          type: "patchset-created",
          object_kind: "push",
          commits: 1,
          changes: "x",
          push: 1,
          ref: [],
          pullrequest: null,
        },
        { object_kind: "merge_request", action: 1, pull_request: [], pullRequest: {}, repository: null },
      ]) {
        const { status } = await deliver(server, { forge, event, payload });
        expect([200, 400]).toContain(status);
      }
    }
  });

  it("a hook that is not configured, a method that is not POST, a body that is too large", async () => {
    // By its header and address it comes from the forge.
    const headers = { "x-hub-signature-256": `sha256=${"0".repeat(64)}`, "x-gitlab-token": secret };
    const post = (path: string, body: string) => fetch(new URL(path, server.url), { method: "POST", body, headers });
    const unknown = await post("change_hook/svn", "");
    expect([unknown.status, await unknown.text()]).toEqual([
      404,
      'There is no change hook "svn" here; add it to the list "hooks" in the ui part of the config.\n',
    ]);
    expect((await post("change_hook/base", "")).status).toBe(404);
    expect((await server.get("/change_hook/github")).status).toBe(405);
    expect((await post("change_hook/github", "x".repeat(33 * 1024 * 1024))).status).toBe(413);
    expect((await post("change_hook/gitlab", "x".repeat(17 * 1024 * 1024))).status).toBe(413);
  });

  it("a secret that came out of an unset variable, and two hooks of one address, are faults of the config", () => {
    const check = (...hooks: PluginDescriptor[]) => uiSlice.safeParse({ hooks }).error?.issues.map((i) => i.message);
    expect(check(github({ secret: env("NO_SUCH_SECRET") }))).toEqual([
      expect.stringContaining("is given without a value"),
    ]);
    expect(check(github({ secret: "a" }), github({ secret }))).toEqual(["a second github: each type has one URL"]);
    expect(check(github({ secret }), gitlab({ secret }))).toBeUndefined();
  });
});

describe("the options of a hook", () => {
  const ask = async (hook: PluginDescriptor, payload: unknown, event = "push") => {
    const server = await startHookServer(await newDatabase("sqlite"), { hooks: [open(hook)] });
    const { text } = await deliver(server, { forge: "github", event, payload, signature: null });
    return { text, changes: await readChanges(server) };
  };
  const one = (more = {}) => ghPush({ commits: [ghCommit(1)], ...more });

  it("choose branches, of pushes and of what pull requests go to, but not tags", async () => {
    const branches = ["main", "release/*"];
    const hook = () => github({ branches });
    expect((await ask(hook(), one())).changes).toHaveLength(1);
    expect((await ask(hook(), one({ ref: "refs/heads/release/1.2" }))).changes).toHaveLength(1);
    expect((await ask(hook(), one({ ref: "refs/heads/mainly" }))).text).toBe(
      "no change found: not a branch of interest: mainly",
    );
    expect((await ask(hook(), one({ ref: "refs/tags/v1" }))).changes).toHaveLength(1);
    expect((await ask(github({ branches, forks: true }), ghPull(), "pull_request")).changes).toHaveLength(1);
    const toOther = ghPull({}, { base: { ref: "other", repo: null } });
    expect((await ask(hook(), toOther, "pull_request")).changes).toEqual([]);
    expect((await ask(github({ branches: (name) => name.length > 4 }), one())).changes).toEqual([]);
  });

  it("leave pull requests or tags out", async () => {
    expect((await ask(github({ pullRequests: false }), ghPull(), "pull_request")).changes).toEqual([]);
    expect((await ask(github({ tags: false }), one({ ref: "refs/tags/v1" }))).changes).toEqual([]);
  });

  it("name the codebase and the category, or compute them", async () => {
    const [fixed] = (await ask(github({ codebase: "web", category: "hook" }), one())).changes;
    expect(fixed).toMatchObject({ codebase: "web", category: "hook" });
    const codebase = (payload: Readonly<Record<string, unknown>>) =>
      (payload["repository"] as { name: string }).name.toUpperCase();
    const [computed] = (await ask(github({ codebase, category: ({ branch }) => `on ${branch}` }), one())).changes;
    expect(computed).toMatchObject({ codebase: "WEB", category: "on main" });
  });

  it("pass messages over that fit other patterns, or none", async () => {
    const wip = one({ commits: [ghCommit(1, "WIP: x")] });
    expect((await ask(github({ skips: [/^WIP/] }), wip)).changes).toEqual([]);
    const skip = one({ commits: [ghCommit(1, "[skip ci]")] });
    expect((await ask(github({ skips: [] }), skip)).changes).toHaveLength(1);
    expect((await ask(github(), ghPull({}, { title: "x [ci skip]" }), "pull_request")).changes).toEqual([]);
  });

  it("change each change, or drop it", async () => {
    const transform = (change: { revision?: string | null }) =>
      change.revision === sha(2) ? null : { author: "x", comments: "y", revision: "z" };
    const { text, changes } = await ask(github({ transform }), ghPush());
    expect(text).toBe("2 change found");
    expect(changes).toMatchObject([{ author: "x", revision: "z" }, { author: "x" }]);
    const none = await ask(github({ transform: () => null }), one());
    expect([none.changes, none.text]).toEqual([[], "no change found: the hook's options excluded all"]);
  });

  it("take parts of the payload as properties, by Buildbot's names", async () => {
    const propertyWhitelist = ["github.head.*", "github.number"];
    const hook = () => github({ propertyWhitelist, pullRequestRef: "head", forks: true });
    const [change] = (await ask(hook(), ghPull(), "pull_request")).changes;
    expect(change).toMatchObject({
      branch: "refs/pull/42/head",
      properties: { "github.head.sha": sha(9), "github.head.repo.full_name": "eve/web", "github.number": 42 },
    });
    expect(Object.keys(change?.["properties"])).not.toContain("github.title");
  });
});
