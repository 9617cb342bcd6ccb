import type { Lease } from "@multimaster/cluster";
import type { Clock, Logger } from "@multimaster/core";
import type { Database } from "@multimaster/database";
import type { Updates } from "../contract.ts";
import type { Events } from "../events/events.ts";
import { createAuditUpdates } from "./audit.ts";
import { createBuilderUpdates } from "./builders.ts";
import { createBuildRequestUpdates } from "./buildrequests.ts";
import { createBuildUpdates } from "./builds.ts";
import { createBuildsetUpdates } from "./buildsets.ts";
import { createChangeSourceUpdates } from "./change-sources.ts";
import { createChangeUpdates } from "./changes.ts";
import { createCommandUpdates } from "./commands.ts";
import { createLogCompressor } from "./log-compressor.ts";
import { createLoginUpdates } from "./logins.ts";
import { createLogUpdates } from "./logs.ts";
import { createMasterUpdates } from "./masters.ts";
import { createOrderUpdates } from "./orders.ts";
import { createSchedulerUpdates } from "./schedulers.ts";
import { createStepUpdates } from "./steps.ts";
import { createTestResultUpdates } from "./test-results.ts";
import { createTriggerUpdates } from "./triggers.ts";
import { createUpdateContext } from "./update-context.ts";
import { createWorkerUpdates } from "./workers.ts";

export interface UpdatesOptions {
  readonly database: Database;
  readonly lease: Lease;
  readonly events: Events;
  readonly clock: Clock;
  readonly log: Logger;
}

/** All writes of one master: each writes rows under its lease, commits, then publishes. */
export function createUpdates(options: UpdatesOptions): Updates {
  const compressor = createLogCompressor(options);
  const context = createUpdateContext(options, compressor);
  return {
    masters: createMasterUpdates(context),
    orders: createOrderUpdates(context),
    logins: createLoginUpdates(context),
    audit: createAuditUpdates(context),
    builders: createBuilderUpdates(context),
    workers: createWorkerUpdates(context),
    commands: createCommandUpdates(context),
    changes: createChangeUpdates(context),
    changeSources: createChangeSourceUpdates(context),
    schedulers: createSchedulerUpdates(context),
    buildsets: createBuildsetUpdates(context),
    triggers: createTriggerUpdates(context),
    buildrequests: createBuildRequestUpdates(context),
    builds: createBuildUpdates(context),
    steps: createStepUpdates(context),
    logs: createLogUpdates(context, compressor),
    testResults: createTestResultUpdates(context),
    async close() {
      await compressor.close();
      await context.announced();
    },
  };
}
