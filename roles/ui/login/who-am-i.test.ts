import { expect, it } from "vitest";
import { anonymous, userVisitor } from "../access/visitor.ts";
import { describeLogin } from "./who-am-i.ts";

const user = { username: "ann", email: null, fullName: null, groups: ["dev"] };

it("describes an anonymous visitor to Buildbot's frontend with the e-mail null, so that its force dialog asks for a name", () => {
  const access = { authenticator: { kind: "none" }, look: { name: "NoAuth" } } as const;
  expect(describeLogin(anonymous, access)).toEqual({
    auth: { name: "NoAuth" },
    user: { anonymous: true, email: null },
  });
});

it("describes a user to Buildbot's frontend with everything that it shows", () => {
  const authenticator = { kind: "redirect" } as never;
  expect(
    describeLogin(userVisitor(user, "session", {}), { authenticator, look: { name: "GitHub", icon: "fa-github" } }),
  ).toEqual({
    auth: { name: "GitHub", oauth2: true, fa_icon: "fa-github", autologin: false },
    user: { username: "ann", email: "ann", full_name: "ann", groups: ["dev"] },
  });
});
