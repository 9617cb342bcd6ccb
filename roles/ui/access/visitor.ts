import type { Authorization } from "@multimaster/config";
import { ownerName, type User } from "@multimaster/core";
import { type Actor, type ApiToken, anonymousActor } from "@multimaster/data";

/** The sender of a request: anonymous, a user, or a program with a token. */
export interface Visitor extends Actor {
  readonly by: "nothing" | "session" | "proxy" | "token";
  readonly user: User | undefined;
  readonly roles: readonly string[];
  /** A token that permits only reading. */
  readonly readOnly: boolean;
}

export const anonymous: Visitor = { ...anonymousActor, by: "nothing", user: undefined, roles: [], readOnly: false };

type Roles = Authorization["roles"];

export function userVisitor(user: User, by: "session" | "proxy", roles: Roles): Visitor {
  // A provider may reassign a user's name to another user.
  const identity = user.id ?? `user:${user.username}`;
  const names = [`user:${user.username}`, ...(user.id === undefined ? [] : [`id:${user.id}`])];
  return {
    identity,
    name: ownerName(user),
    by,
    address: null,
    user,
    roles: rolesOf(user, names, roles),
    readOnly: false,
  };
}

/** A token acts under its own name; it has its own roles and those of `token:NAME` in the config. */
export function tokenVisitor(token: ApiToken, roles: Roles): Visitor {
  const user: User = { username: token.name, email: null, fullName: null, groups: [] };
  const identity = `token:${token.name}`;
  return {
    identity,
    name: token.name,
    by: "token",
    address: null,
    user,
    roles: [...new Set([...token.roles, ...rolesOf(user, [identity], roles)])],
    readOnly: token.scope === "read",
  };
}

/**
 * A plain name in the config means a user; a token is written as `token:NAME`, so that neither can get the other's roles. A
 * user's own name is never parsed for a prefix.
 */
function rolesOf({ email, groups }: User, names: readonly string[], roles: Roles): string[] {
  const address = email?.toLowerCase();
  const domain = address?.slice(address.lastIndexOf("@") + 1);
  const isNamed = (entry: string) => names.includes(/^(user|token|id):/.test(entry) ? entry : `user:${entry}`);
  return Object.entries(roles)
    .filter(
      ([, role]) =>
        role.usernames.some(isNamed) ||
        role.groups.some((group) => groups.includes(group)) ||
        role.emails.some((each) => each.toLowerCase() === address) ||
        role.domains.some((each) => each.toLowerCase() === domain),
    )
    .map(([name]) => name);
}
