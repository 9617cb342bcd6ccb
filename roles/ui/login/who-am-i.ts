import type { Json } from "@multimaster/core";
import type { Access } from "../access/access.ts";
import type { Visitor } from "../access/visitor.ts";

type JsonObject = Readonly<Record<string, Json>>;

/** `auth` of `/config`, as Buildbot's frontend reads it; `NoAuth` hides its login menu. */
function describeAuth({ authenticator, look }: Pick<Access, "authenticator" | "look">): JsonObject {
  switch (authenticator.kind) {
    case "redirect":
      return { name: look.name, oauth2: true, fa_icon: look.icon ?? "fa-sign-in", autologin: false };
    case "password":
      return { name: "UserPasswordAuth" };
    case "proxy":
      return { name: "RemoteUserAuth" };
    case "none":
      return { name: "NoAuth" };
  }
}

/** `user` of `/config`: an anonymous one has a null `email`, or the force dialog would ask nobody's name. */
function describeUser({ user }: Visitor): JsonObject {
  if (!user) return { anonymous: true, email: null };
  const { username, email, fullName, groups } = user;
  // Buildbot's frontend shows and hides by the e-mail address.
  return { username, email: email ?? username, full_name: fullName ?? username, groups };
}

/** Both parts of `/config` that are about logins. */
export function describeLogin(visitor: Visitor, access: Pick<Access, "authenticator" | "look">) {
  return { auth: describeAuth(access), user: describeUser(visitor) };
}

/** What `/api/v2/whoami` answers. */
export function describeVisitor(
  visitor: Visitor,
  access: Pick<Access, "authenticator" | "look" | "mayRead">,
): JsonObject {
  const { by, user, roles, readOnly } = visitor;
  return {
    anonymous: user === undefined,
    by,
    username: user?.username ?? null,
    email: user?.email ?? null,
    full_name: user?.fullName ?? null,
    groups: user?.groups ?? [],
    roles,
    scope: readOnly ? "read" : "all",
    audits: access.mayRead(visitor, ["audit_entries"]),
    auth: describeAuth(access),
  };
}
