import type { Authorization } from "@multimaster/config";
import { ownerName, type User } from "@multimaster/core";
import { type Actor, type ApiToken, anonymousActor } from "@multimaster/data";

/** Whoever asks: no one in particular, a user, or a program with a token. */
export interface Visitor extends Actor {
  readonly by: "nothing" | "session" | "proxy" | "token";
  readonly user: User | undefined;
  readonly roles: readonly string[];
  /** A token that was made for reading. */
  readonly readOnly: boolean;
}

export const anonymous: Visitor = { ...anonymousActor, by: "nothing", user: undefined, roles: [], readOnly: false };

type Roles = Authorization["roles"];

export function userVisitor(user: User, by: "session" | "proxy", roles: Roles): Visitor {
  // Of a provider's user the name may be another one's tomorrow.
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

/** A token goes by its own name; it has the roles that it was given and those that the config gives to `token:NAME`. */
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
 * A plain name in the config is a user's; a token is named as `token:NAME`, so that neither can take the other's. What a
 * user chose to be called is never looked at for a prefix.
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
