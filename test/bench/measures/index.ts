import type { Measure } from "../measure.ts";
import { attach } from "./attach.ts";
import { attachPb } from "./attach-pb.ts";
import { blocked } from "./blocked.ts";
import { buildset } from "./buildset.ts";
import { claims } from "./claims.ts";
import { failover } from "./failover.ts";
import { farm } from "./farm.ts";
import { byBuilders, byBuilds, byPending, byWorkers } from "./growth.ts";
import { latency } from "./latency.ts";
import { byLocked, locked } from "./locked.ts";
import { log } from "./log.ts";
import { noop, noopCluster } from "./noop.ts";
import { pending } from "./pending.ts";
import { rest } from "./rest.ts";
import { router } from "./router.ts";
import { npmStart, start } from "./start.ts";

/** Every measure, in the order of the table. */
export const measures: readonly Measure[] = [
  noop,
  noopCluster,
  latency,
  rest,
  log,
  attach,
  attachPb,
  blocked,
  buildset,
  farm,
  router,
  pending,
  locked,
  start,
  npmStart,
  failover,
  claims,
  byBuilders,
  byPending,
  byLocked,
  byWorkers,
  byBuilds,
];
