import type { Json } from "@multimaster/core";
import type { Access } from "../access/access.ts";
import type { Visitor } from "../access/visitor.ts";

type JsonObject = Readonly<Record<string, Json>>;

/** `auth` of `/config`, in the form of Buildbot's frontend; `NoAuth` hides its login menu. */
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

/** `user` of `/config`: an anonymous user has a null `email`, otherwise the force dialog would not ask for a name. */
function describeUser({ user }: Visitor): JsonObject {
  if (!user) return { anonymous: true, email: null };
  const { username, email, fullName, groups } = user;
  // Buildbot's frontend decides by the e-mail address what it shows.
  return { username, email: email ?? username, full_name: fullName ?? username, groups };
}

/** The parts of `/config` about logins. */
export function describeLogin(visitor: Visitor, access: Pick<Access, "authenticator" | "look">) {
  return { auth: describeAuth(access), user: describeUser(visitor) };
}

/** The answer of `/api/v2/whoami`. */
export function describeVisitor(
  visitor: Visitor,
  access: Pick<Access, "authenticator" | "look" | "mayRead" | "mayAct" | "mayActOnSome">,
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
    accounts: access.mayRead(visitor, ["worker_accounts"]),
    reports: access.mayRead(visitor, ["reports"]),
    retries: access.mayAct(visitor, "reporters", "retry") && access.mayAct(visitor, "reports", "retry"),
    tries: access.mayRead(visitor, ["tryschedulers"]),
    notes: {
      comment: access.mayActOnSome(visitor, "builder_lines", "comment"),
      comment_builds: access.mayActOnSome(visitor, "builds", "comment"),
      take: access.mayActOnSome(visitor, "builder_lines", "take"),
      mute: access.mayActOnSome(visitor, "builder_lines", "mute"),
      withdraw: access.mayActOnSome(visitor, "notes", "withdraw"),
    },
    auth: describeAuth(access),
  };
}
