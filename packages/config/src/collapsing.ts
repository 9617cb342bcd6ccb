import type { Json } from "@multimaster/core";
import { z } from "zod";

/** A pending build request, as a function of `collapseRequests` sees it. */
export interface CollapsingRequest {
  readonly buildrequestid: number;
  readonly buildsetid: number;
  readonly builder: string;
  readonly reason: string;
  /** A running build waits for it. */
  readonly waitedFor: boolean;
  readonly properties: Readonly<Record<string, Json>>;
  /** One for each codebase. */
  readonly sourceStamps: readonly {
    readonly codebase: string;
    readonly branch: string | null;
    readonly revision: string | null;
    readonly repository: string;
    readonly project: string;
  }[];
  /** Its changes, and those of the requests that have collapsed into it, oldest first. */
  readonly changes: readonly {
    readonly changeid: number;
    readonly author: string;
    readonly comments: string;
    readonly branch: string | null;
    readonly revision: string | null;
    readonly category: string | null;
    readonly files: readonly string[];
  }[];
}

/** Whether an older request may collapse into a newer one of the same builder. */
export interface CollapseQuestion {
  readonly newer: CollapsingRequest;
  readonly older: CollapsingRequest;
  /** The answer of `collapseRequests: true`. */
  readonly isCompatible: boolean;
}

/** What a function of `collapseRequests` answers: yes, no, or yes with properties that the newer request gets. */
export const collapseAnswer = z.union([
  z.boolean(),
  z.strictObject({ properties: z.record(z.string().min(1).max(256), z.json()) }),
]);

export type CollapseFunction = (
  question: CollapseQuestion,
) => z.input<typeof collapseAnswer> | Promise<z.input<typeof collapseAnswer>>;

/** The option `collapseRequests`. */
export const collapseOption = z.union(
  [z.boolean(), z.custom<CollapseFunction>((value) => typeof value === "function")],
  "must be true, false, or a function of { newer, older, isCompatible }",
);

export type CollapseOption = z.output<typeof collapseOption>;
