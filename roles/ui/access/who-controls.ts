import { isLoopback, type UiSlice } from "@multimaster/config";
import type { Logger, Service } from "@multimaster/core";
import { rulesOf } from "./decide.ts";

type Doors = Pick<UiSlice, "auth" | "authorization" | "host" | "open">;

/** A sentence that says who may control the cluster through this ui, logged at each start. */
export function describeWhoControls(own: Doors): string {
  const { rules, otherwise, roles } = rulesOf(own);
  const login = own.auth === undefined || own.auth.plugin.type === "none" ? undefined : own.auth.plugin.type;
  if (own.authorization === undefined) {
    if (login === undefined)
      return isLoopback(own.host)
        ? "Any program on this machine may control the cluster: the ui has no login."
        : `Anyone who can connect to ${own.host} may control the cluster: the ui has no login and is open.`;
    return `Any user who logs in by ${login} may control the cluster; everybody may read.`;
  }
  const names = rules.filter(({ allow }) => allow.some((action) => action !== "read")).flatMap(({ to }) => to);
  const who = [...new Set(names)].map((entry) => {
    if (entry === "anyone") return "everybody";
    if (entry === "users") return "users who are logged in";
    if (entry === "owner") return "the owners of builds";
    return `the role ${entry.slice("role:".length)}${describeRole(roles[entry.slice("role:".length)])}`;
  });
  if (otherwise === "allow") who.push("everybody, where no rule matches");
  return `By its rules the cluster may be controlled by ${who.length === 0 ? "no one" : who.join(", ")}.`;
}

/** Logs at each start of a ui master who may control the cluster, so that the operator notices an unintended default. */
export function createControlNotice(own: Doors, log: Logger): Service {
  return {
    name: "notice of control",
    async start() {
      const level = !isLoopback(own.host) && own.open ? "warn" : "info";
      log[level](describeWhoControls(own));
    },
    async stop() {},
  };
}

function describeRole(role: { groups: readonly string[]; usernames: readonly string[] } | undefined): string {
  const members = [...(role?.groups ?? []).map((name) => `group ${name}`), ...(role?.usernames ?? [])];
  return members.length === 0 ? "" : ` (${members.join(", ")})`;
}
