import { errors } from "@multimaster/core";
import type { Role } from "../define-role.ts";
import { type RoleName, roleNames, roles } from "../index.ts";

/** The names of the roles asked for, in the registry's order; all of them when none is named. */
export function selectRoleNames(names: readonly string[] | undefined): RoleName[] {
  for (const name of names ?? []) {
    if (!roleNames.includes(name as RoleName)) throw errors.unknownRole(name, roleNames);
  }
  return roleNames.filter((name) => names === undefined || names.length === 0 || names.includes(name));
}

/** The same roles, loaded. */
export async function selectRoles(names: readonly string[] | undefined): Promise<Role<unknown>[]> {
  return Promise.all(selectRoleNames(names).map((name) => roles[name]()));
}
