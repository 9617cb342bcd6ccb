import { type Result, Results } from "@multimaster/core";
import type { BuildScope } from "../steps/build-scope.ts";

interface BuildEnd {
  results: Result;
  state: string;
}

/** A patch that no step has read was not built: the build must not end as if its user's difference were good. */
export function judgePatches(end: BuildEnd, { build: { sources }, patchesRead }: BuildScope): BuildEnd {
  const isGood = end.results === Results.SUCCESS || end.results === Results.WARNINGS;
  const unread = sources.find(({ patch }) => patch !== null && !patchesRead.has(patch.patchid));
  if (!isGood || unread === undefined) return end;
  const of = unread.codebase === "" ? "" : ` of codebase "${unread.codebase}"`;
  return { results: Results.FAILURE, state: `No step applied the patch${of}.` };
}
