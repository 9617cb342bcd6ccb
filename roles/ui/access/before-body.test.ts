import type { Authorization } from "@multimaster/config";
import { describe, expect, it } from "vitest";
import { mayDo, mayDoAnything } from "./before-body.ts";
import { anonymous, userVisitor } from "./visitor.ts";

const user = { username: "ann", email: null, fullName: null, groups: [] };
const ann = userVisitor(user, "session", {});
const withId = userVisitor({ ...user, id: "https://id.example.org 7" }, "session", {});

describe("a rule for owners", () => {
  const authorization: Authorization = {
    rules: [{ allow: ["stop"], on: ["builds"], to: ["owner"] }],
    otherwise: "deny",
    roles: {},
  };

  it("lets every user act on some builds, which may be his own", () => {
    for (const visitor of [ann, withId]) {
      expect(mayDo(authorization, visitor, "builds", "stop")).toBe(true);
      expect(mayDoAnything(authorization, visitor, ["builds", "7"])).toBe(true);
    }
  });

  it("lets no one act who owns nothing, and no one on other nouns", () => {
    expect(mayDo(authorization, anonymous, "builds", "stop")).toBe(false);
    expect(mayDoAnything(authorization, anonymous, ["builds", "7"])).toBe(false);
    expect(mayDo(authorization, ann, "builds", "rebuild")).toBe(false);
    expect(mayDoAnything(authorization, ann, ["workers", "7"])).toBe(false);
    expect(mayDoAnything(authorization, { ...ann, readOnly: true }, ["builds", "7"])).toBe(false);
  });
});
