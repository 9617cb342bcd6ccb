import { errors, type User } from "@multimaster/core";
import { z } from "zod";

/** The names that may log in; absent: every user of the provider. An empty list would be a mistake. */
export const admittedNames = z.array(z.string().min(1)).min(1).optional();

/** Refuses a user who belongs to none of the `admitted` groups; names are compared case-insensitively. */
export function requireOneOf(
  provider: string,
  what: string,
  admitted: readonly string[] | undefined,
  has: readonly string[],
): void {
  if (admitted === undefined) return;
  const names = new Set(has.map((name) => name.toLowerCase()));
  if (admitted.some((name) => names.has(name.toLowerCase()))) return;
  throw errors.loginRefused(provider, `only members of the ${what} ${admitted.join(", ")} may log in here`);
}

/** Returns the user if they belong to one of the admitted groups. */
export function admitMember(provider: string, what: string, admitted: readonly string[] | undefined, user: User): User {
  requireOneOf(provider, what, admitted, user.groups);
  return user;
}
