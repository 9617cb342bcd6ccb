import type { Lease } from "@multimaster/cluster";
import type { Audience, Logger, RunOptions } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import { connectionsOfThread } from "./connection-shares.ts";
import { HostedRoles } from "./hosted-roles.ts";
import type { TermPlan } from "./term-plan.ts";
import type { Standing } from "./threads/messages.ts";
import { RoleService } from "./threads/role-service.ts";

/** What the roles of a master stand on. */
export interface RoleParts {
  readonly lease: Lease;
  readonly data: Data;
  readonly log: Logger;
  readonly run: RunOptions;
  standing(audience?: Audience): Standing;
  /** The thread of a role that held claims has died. */
  onClaimsLost(role: string): void;
}

/** The roles of the plan under this lease. */
export function hostRoles(plan: TermPlan, parts: RoleParts): HostedRoles {
  const { lease, data, log, run, standing, onClaimsLost } = parts;
  const { config, selection, addresses } = plan;
  const hosts: HostedRoles = new HostedRoles({
    selection,
    log,
    makeService: ({ name, host }) =>
      new RoleService({
        host,
        lease,
        log,
        beginning: {
          shared: plan,
          connections: connectionsOfThread(name, [...hosts.names, name], config.shared.databaseConnections),
        },
        standing: () => hosts.standing(),
        onClaimsLost: () => onClaimsLost(name),
      }),
    extra: plan.extraServices?.({ data, log, addresses }) ?? [],
    run,
    standing,
  });
  return hosts;
}
