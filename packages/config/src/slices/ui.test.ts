import { describe, expect, it } from "vitest";
import { describeIssue } from "../describe-issue.ts";
import { trustNetworks, type UiSliceInput, uiSlice } from "./ui.ts";

function problems(slice: UiSliceInput): string[] {
  const parsed = uiSlice.safeParse(slice);
  return parsed.success ? [] : parsed.error.issues.flatMap((issue) => describeIssue(issue, uiSlice));
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

  it("tell reading apart by noun only, and say so", () => {
    expect(problems(rights({ allow: "*", on: "builds", builders: ["web-*"], to: ["owner"] }))).toEqual([
      'authorization.rules[0].builders: reading cannot be told apart by builder; use "control" or actions',
      'authorization.rules[0].to: reading knows no owner; give "read" a rule of its own, and the owner one with "control"',
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

describe("trusted proxies", () => {
  it("are addresses and networks", () => {
    const isTrusted = trustNetworks(["10.0.0.0/8", "192.168.1.1", "fd00::/8"]);
    const asked = ["10.9.8.7", "::ffff:10.9.8.7", "192.168.1.1", "fd00::1", "11.0.0.1", "192.168.1.2", "", "x"];
    expect(asked.filter(isTrusted)).toEqual(asked.slice(0, 4));
    expect(problems({ trustedProxies: ["10.0.0.0/33"] })).toEqual([expect.stringContaining("trustedProxies[0]")]);
    expect(problems({ trustedProxies: ["proxy"] })).toEqual([expect.stringContaining("must be an IP address")]);
  });
});
