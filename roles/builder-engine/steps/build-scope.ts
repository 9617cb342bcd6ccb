import type { LockUseConfig } from "@multimaster/config";
import type { Properties } from "@multimaster/core";
import type { BuildFacts } from "@multimaster/plugins";
import type { EngineParts } from "../engine-parts.ts";
import type { Secrets } from "../logs/secrets.ts";
import type { StepLogsOptions } from "../logs/step-logs.ts";
import type { AttachedWorker } from "../workers/attached-worker.ts";
import type { PlannedSteps } from "./planned-steps.ts";
import type { StepProperties } from "./step-values.ts";

/** What all steps of one build share. */
export interface BuildScope {
  readonly engine: EngineParts;
  readonly worker: AttachedWorker;
  readonly build: Omit<BuildFacts, "environment">;
  /** The builder's environment, not rendered. */
  readonly environment: Readonly<Record<string, unknown>>;
  readonly properties: Properties;
  /** Checks what its steps set of them. */
  readonly stepProperties: StepProperties;
  readonly secrets: Secrets;
  /** Whether it builds a fork's code, or may. */
  readonly isFork: boolean;
  /** The properties by which builds that a step triggers know whose code this is. */
  readonly forkProperty: Readonly<Record<string, boolean>>;
  readonly limits: StepLogsOptions["limits"];
  readonly builddir: string;
  /** The locks that the build has. */
  readonly heldLocks: readonly LockUseConfig[];
  /** Waits for locks, while the build's time stands still. */
  readonly whileLocked: <T>(wait: () => Promise<T>) => Promise<T>;
  /** The build was stopped before the step began: it is not tried again. */
  readonly isStopped?: boolean;
  /** What the build has not begun yet. */
  readonly planned: PlannedSteps;
  /** Of a step that is a part of another one: the step around it that has locks, if any has. */
  readonly lockedBy?: () => string | undefined;
  /** Ids of the patches that its steps have read. */
  readonly patchesRead: Set<number>;
}
