import type { Role } from "./define-role.ts";

type AnyRole = Role<unknown>;

/** The registry: one line per role. Each is imported only when it is started. */
export const roles = {
  scheduler: async () => (await import("./scheduler/role.ts")).role as AnyRole,
  "builder-engine": async () => (await import("./builder-engine/role.ts")).role as AnyRole,
  ui: async () => (await import("./ui/role.ts")).role as AnyRole,
} as const;

export type RoleName = keyof typeof roles;

export const roleNames = Object.keys(roles) as RoleName[];
