import type { Json } from "@multimaster/core";

export interface NewChange {
  author: string;
  committer?: string | null;
  comments: string;
  files?: readonly string[];
  revision?: string | null;
  branch?: string | null;
  /** Seconds since the epoch from the version control system; now when absent. */
  whenTimestamp?: number;
  category?: string | null;
  revlink?: string;
  repository?: string;
  project?: string;
  codebase?: string;
  /** Values by name; their source is "Change". */
  properties?: Readonly<Record<string, Json>>;
}
