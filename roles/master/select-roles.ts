import { errors } from "@multimaster/core";
import type { Role } from "../define-role.ts";
import { type RoleName, roleNames, roles } from "../index.ts";

/** The roles asked for, in the registry's order; all of them when none is named. */
export async function selectRoles(names: readonly string[] | undefined): Promise<Role<unknown>[]> {
  for (const name of names ?? []) {
    if (!roleNames.includes(name as RoleName)) throw errors.unknownRole(name, roleNames);
  }
  const wanted = roleNames.filter((name) => names === undefined || names.length === 0 || names.includes(name));
  return Promise.all(wanted.map((name) => roles[name]()));
}
