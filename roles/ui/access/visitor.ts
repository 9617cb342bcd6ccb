import type { Authorization } from "@multimaster/config";
import { ownerName, type User } from "@multimaster/core";
import type { ApiToken } from "@multimaster/data";

/** Whoever asks: nobody in particular, a user, or a program with a token. */
export interface Visitor {
  readonly by: "nothing" | "session" | "proxy" | "token";
  readonly user: User | undefined;
  readonly roles: readonly string[];
  /** A token that was made for reading. */
  readonly readOnly: boolean;
}

export const anonymous: Visitor = { by: "nothing", user: undefined, roles: [], readOnly: false };

/** The name that what a visitor does is kept under. */
export function ownerOf(visitor: Visitor): string {
  return ownerName(visitor.user);
}

type Roles = Authorization["roles"];

export function userVisitor(user: User, by: "session" | "proxy", roles: Roles): Visitor {
  return { by, user, roles: rolesOf(user, roles), readOnly: false };
}

/** A token goes by its own name; it has the roles that it was given and those that the config gives to its name. */
export function tokenVisitor(token: ApiToken, roles: Roles): Visitor {
  const user: User = { username: token.name, email: null, fullName: null, groups: [] };
  return {
    by: "token",
    user,
    roles: [...new Set([...token.roles, ...rolesOf(user, roles)])],
    readOnly: token.scope === "read",
  };
}

function rolesOf({ username, email, groups }: User, roles: Roles): string[] {
  const address = email?.toLowerCase();
  const domain = address?.slice(address.lastIndexOf("@") + 1);
  return Object.entries(roles)
    .filter(
      ([, role]) =>
        role.usernames.includes(username) ||
        role.groups.some((group) => groups.includes(group)) ||
        role.emails.some((each) => each.toLowerCase() === address) ||
        role.domains.some((each) => each.toLowerCase() === domain),
    )
    .map(([name]) => name);
}
