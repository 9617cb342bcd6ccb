import type { ReportKind } from "@multimaster/core";
import type {
  ReportedBuild,
  ReportedBuildset,
  ReportedMaster,
  ReportedRequest,
  ReportedWorker,
  StepInEvent,
} from "@multimaster/data";

/** Something that happened, as filters see it. */
export interface ReportedEvent {
  readonly event: ReportKind;
  /** Seconds since 1970. */
  readonly at: number;
  /** Also that of a step. */
  readonly build?: ReportedBuild | undefined;
  readonly step?: StepInEvent | undefined;
  readonly buildset?: ReportedBuildset | undefined;
  readonly request?: ReportedRequest | undefined;
  readonly worker?: ReportedWorker | undefined;
  readonly master?: ReportedMaster | undefined;
}
