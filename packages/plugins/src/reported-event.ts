import type { ReportKind } from "@multimaster/core";
import type { ReportedBuild, ReportedBuildset, ReportedWorker } from "@multimaster/data";

/** Something that happened, as filters see it. */
export interface ReportedEvent {
  readonly event: ReportKind;
  /** Seconds since 1970. */
  readonly at: number;
  readonly build?: ReportedBuild | undefined;
  readonly buildset?: ReportedBuildset | undefined;
  readonly worker?: ReportedWorker | undefined;
}
