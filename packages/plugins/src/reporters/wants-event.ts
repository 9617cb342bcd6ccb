import { fitsGlob, Results } from "@multimaster/core";
import type { PreviousBuild, ReportedBuild } from "@multimaster/data";
import type { ReportedEvent } from "../reported-event.ts";
import type { ReporterOptions, ReportMode } from "./reporter-options.ts";

const isGood = (results: number) => results === Results.SUCCESS || results === Results.WARNINGS;
const isBad = (results: number) => results === Results.FAILURE || results === Results.EXCEPTION;

const modes: Readonly<Record<ReportMode, (results: number, previous: PreviousBuild | null) => boolean>> = {
  all: () => true,
  failing: (results) => results === Results.FAILURE,
  passing: (results) => results === Results.SUCCESS,
  warnings: (results) => results === Results.WARNINGS,
  exception: (results) => results === Results.EXCEPTION,
  cancelled: (results) => results === Results.CANCELLED,
  change: (results, previous) => previous !== null && previous.results !== results,
  problem: (results, previous) => isBad(results) && (previous === null || isGood(previous.results)),
  fixed: (results, previous) => isGood(results) && previous !== null && isBad(previous.results),
};

/** Whether the options of a reporter, without its filter function, want an event. */
export function wantsEvent(event: ReportedEvent, options: ReporterOptions): boolean {
  const { build, buildset } = event;
  if (build) return wantsBuild(build, options) && fitsMode(build.results, build.previous, options.modes);
  if (buildset)
    return (
      (buildset.builds.length === 0 || buildset.builds.some((one) => wantsBuild(one, options))) &&
      fitsMode(buildset.results, null, options.modes)
    );
  return true;
}

/** The beginning of a build has no result yet: every mode begins with it. */
function fitsMode(results: number | null, previous: PreviousBuild | null, wanted: readonly ReportMode[]): boolean {
  return results === null || wanted.some((mode) => modes[mode](results, previous));
}

function wantsBuild(build: ReportedBuild, options: ReporterOptions): boolean {
  const { builders, tags, branches, schedulers } = options;
  const scheduler = build.properties["scheduler"];
  return (
    fitsAny(build.builder, builders) &&
    (tags === undefined || tags.some((tag) => build.tags.includes(tag))) &&
    (branches === undefined || build.sources.some(({ branch }) => fitsAny(branch ?? "", branches))) &&
    (schedulers === undefined || fitsAny(typeof scheduler === "string" ? scheduler : "", schedulers))
  );
}

function fitsAny(text: string, wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || wanted.some((glob) => fitsGlob(text, glob));
}
