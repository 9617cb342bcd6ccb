import type { BuildDetails, ReportedChange } from "@multimaster/data";
import type { ReportedEvent } from "./reported-event.ts";

/** The same with what must be read: each part is read when it is first asked for. */
export interface Report extends ReportedEvent {
  /** The page of a build, a buildset's first build or request, a request, a worker, or the cluster. */
  readonly url: string;
  /** Steps, changes and failing tests; without a build there are none. */
  details(): Promise<BuildDetails>;
  changes(): Promise<readonly ReportedChange[]>;
  /** The last lines of a log. */
  logTail(logid: number, lines: number): Promise<string>;
}
