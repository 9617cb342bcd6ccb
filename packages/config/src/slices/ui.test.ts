import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { ClusterConfig } from "../define-cluster.ts";
import { describeIssue } from "../describe-issue.ts";
import { trustNetworks } from "../networks.ts";
import { type UiSliceInput, uiSlice, warningsOfUi } from "./ui.ts";

function problems(slice: UiSliceInput): string[] {
  const parsed = uiSlice.safeParse(slice);
  return parsed.success ? [] : parsed.error.issues.flatMap((issue) => describeIssue(issue, uiSlice, slice));
}

type Rights = NonNullable<UiSliceInput["authorization"]>;
type Rule = Rights["rules"][number];
const rights = (...rules: Rule[]): UiSliceInput => ({
  authorization: { rules, otherwise: "deny", roles: { admins: { groups: ["ops"] } } },
});

describe("rules", () => {
  it("name roles that are there", () => {
    expect(problems(rights({ allow: "stop", on: "builds", to: ["role:admins", "owner", "anyone"] }))).toEqual([]);
    expect(problems(rights({ allow: "stop", on: "builds", to: ["role:admin"] }))).toEqual([
      'authorization.rules[0].to: no role "admin" (have: admins)',
    ]);
  });

  it("limit reading by noun only, and say so", () => {
    expect(problems(rights({ allow: "*", on: "builds", builders: ["web-*"], to: ["owner"] }))).toEqual([
      'authorization.rules[0].builders: reading cannot be restricted by builder; use "control" or actions',
      'authorization.rules[0].to: reading does not depend on the owner; write one rule for "read", and another for the owner with "control"',
    ]);
  });

  it("know their words", () => {
    expect(problems(rights({ allow: "stopp" as never, on: "build" as never, to: ["admins" as never] }))).toHaveLength(
      3,
    );
  });

  it("say what holds where there is none", () => {
    expect(problems({ authorization: { rules: [] } as never })).toEqual([
      expect.stringContaining("authorization.otherwise"),
    ]);
  });
});

const login = (type: string, admits?: string): UiSliceInput["auth"] => ({
  plugin: { kind: "auth", type, options: z.strictObject({}), ...(admits ? { admitsAnyone: () => admits } : {}) },
  options: {},
});

describe("who gets in", () => {
  const rules = rights({ allow: "read", on: "*", to: ["users"] });
  const closed: readonly UiSliceInput[] = [
    {},
    { host: "localhost" },
    { host: "127.0.0.2" },
    { host: "::1" },
    { host: "::ffff:127.0.0.1" },
    { host: "0.0.0.0", open: true },
    { host: "0.0.0.0", auth: login("password") },
    { host: "0.0.0.0", auth: login("github"), ...rules },
    { auth: login("github", "organizations"), ...rules },
    { auth: login("github", "organizations"), open: true },
  ];
  it.each(closed)("is decided by the config: %j", (slice) => expect(problems(slice)).toEqual([]));

  const noLogin: readonly UiSliceInput[] = [
    { host: "0.0.0.0" },
    { host: "::" },
    { host: "" },
    { host: "10.0.0.1" },
    { host: "ci.example.org" },
    { host: "127.0.0.1.example.org" },
    { host: "0.0.0.0", auth: login("none") },
    // Rules do not say who anybody is: without a login all are the same.
    { host: "0.0.0.0", ...rules },
  ];
  it.each(noLogin)("is not open to everyone who reaches the port: %j", (slice) =>
    expect(problems(slice)).toEqual([expect.stringMatching(/^auth: is missing, and .*; name a login .*open: true/)]),
  );

  it.each(["127.0.0.1", "0.0.0.0"])("is not the whole world, on %s", (host) =>
    expect(problems({ host, auth: login("github", "organizations") })).toEqual([
      expect.stringMatching(
        /^auth: lets anyone in the world .* option organizations of github, or write authorization/,
      ),
    ]),
  );
});

it("a name that could be a token's is warned of until it says whose it is", () => {
  const usernames = ["ann", "user:bob", "token:nightly", "id:https://id.example#7"];
  const slice = uiSlice.parse({
    hooks: [],
    authorization: { rules: [], otherwise: "deny", roles: { ops: { usernames } } },
  });
  expect(warningsOfUi(slice, {} as never)).toEqual([
    {
      path: ["authorization", "roles", "ops", "usernames", 0],
      sentence: '"ann" matches only a user and no longer an API token; write "user:ann", or "token:ann" for the token',
    },
  ]);
});

describe("what is allowed, but wide open", () => {
  const warned = (slice: UiSliceInput, url?: string) =>
    warningsOfUi(uiSlice.parse({ hooks: [], ...slice }), { url } as ClusterConfig).map(({ path }) => path.join("."));

  it.each<[UiSliceInput, string | undefined, string[]]>([
    [{}, undefined, []],
    [{}, "http://localhost:8010/", []],
    [{}, "https://ci.example.org/", ["auth"]],
    [{ open: true }, "https://ci.example.org/", ["open"]],
    [{ host: "0.0.0.0", open: true }, undefined, ["open"]],
    [{ host: "0.0.0.0", open: true, ...rights() }, undefined, []],
    [{ auth: login("github", "organizations"), open: true }, "https://ci.example.org/", ["open"]],
    [{ auth: login("password") }, "https://ci.example.org/", []],
    [{ auth: login("password") }, "http://ci.example.org/", ["auth"]],
    [{ auth: login("password"), host: "0.0.0.0" }, undefined, ["auth"]],
    [
      { auth: login("password"), host: "0.0.0.0", trustedProxies: ["10.0.0.1", "10.0.0.2/32", "127.0.0.0/8"] },
      undefined,
      [],
    ],
    [{ auth: login("password"), host: "0.0.0.0", trustedProxies: ["10.0.0.0/8"] }, undefined, ["trustedProxies.0"]],
    [{ trustedProxies: ["::1", "fd00::/64"] }, undefined, ["trustedProxies.1"]],
  ])("is warned of: %j with %s", (slice, url, places) => expect(warned(slice, url)).toEqual(places));
});

describe("trusted proxies", () => {
  it("are addresses and networks", () => {
    const isTrusted = trustNetworks(["10.0.0.0/8", "192.168.1.1", "fd00::/8"]);
    const asked = ["10.9.8.7", "::ffff:10.9.8.7", "192.168.1.1", "fd00::1", "11.0.0.1", "192.168.1.2", "", "x"];
    expect(asked.filter(isTrusted)).toEqual(asked.slice(0, 4));
    expect(problems({ trustedProxies: ["10.0.0.0/33"] })).toEqual([expect.stringContaining("trustedProxies[0]")]);
    expect(problems({ trustedProxies: ["proxy"] })).toEqual([expect.stringContaining("must be an IP address")]);
  });
});
