import type { Check } from "../check.ts";
import { approvalChecks } from "./approvals.ts";
import { artifactChecks } from "./artifacts.ts";
import { buildChecks } from "./builds.ts";
import { buildsetChecks } from "./buildsets.ts";
import { changeChecks } from "./changes.ts";
import { claimChecks } from "./claims.ts";
import { collapsingChecks } from "./collapsing.ts";
import { lockChecks } from "./locks.ts";
import { logChecks } from "./logs.ts";
import { masterChecks } from "./masters.ts";
import { ownRowChecks } from "./own-rows.ts";
import { reportChecks } from "./reports.ts";
import { requestChecks } from "./requests.ts";
import { slotChecks } from "./slots.ts";
import { workerChecks } from "./workers.ts";

/** What a cluster's rows are audited for, by theme. */
export const auditThemes: readonly { theme: string; checks: readonly Check[] }[] = [
  { theme: "Claims", checks: claimChecks },
  { theme: "Build requests", checks: requestChecks },
  { theme: "Approvals", checks: approvalChecks },
  { theme: "Collapsed requests", checks: collapsingChecks },
  { theme: "Buildsets", checks: buildsetChecks },
  { theme: "Builds and steps", checks: buildChecks },
  { theme: "Logs", checks: logChecks },
  { theme: "Changes", checks: changeChecks },
  { theme: "Slots of schedulers", checks: slotChecks },
  { theme: "Locks", checks: lockChecks },
  { theme: "Reports", checks: reportChecks },
  { theme: "Workers", checks: workerChecks },
  { theme: "Masters", checks: masterChecks },
  { theme: "Artifacts", checks: artifactChecks },
  { theme: "Rows of our own", checks: ownRowChecks },
];

export const auditChecks: readonly Check[] = auditThemes.flatMap(({ checks }) => checks);
