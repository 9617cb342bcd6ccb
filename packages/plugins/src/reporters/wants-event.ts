import { fitsGlob, type Json, Results } from "@multimaster/core";
import type { ReportedBuild, ReportedSource } from "@multimaster/data";
import type { ReportedEvent } from "../reported-event.ts";
import { type ReporterOptions, type ReportMode, waitingAfterOf } from "./reporter-options.ts";

const isGood = (results: number) => results === Results.SUCCESS || results === Results.WARNINGS;
const isBad = (results: number) => results === Results.FAILURE || results === Results.EXCEPTION;

/** An end as modes judge it; of steps and buildsets only the result counts. */
interface End extends Partial<Pick<ReportedBuild, "previous" | "isOvertaken">> {
  readonly results: number;
  /** Something that began to fail before, of the same buildset. */
  readonly isLaterFailure?: boolean;
}

const begins = ({ results, previous, isOvertaken }: End) =>
  isBad(results) && isOvertaken !== true && (!previous || isGood(previous.results));

const modes: Readonly<Record<ReportMode, (end: End) => boolean>> = {
  all: () => true,
  failing: ({ results }) => results === Results.FAILURE,
  passing: ({ results }) => results === Results.SUCCESS,
  warnings: ({ results }) => results === Results.WARNINGS,
  exception: ({ results }) => results === Results.EXCEPTION,
  cancelled: ({ results }) => results === Results.CANCELLED,
  change: ({ results, previous, isOvertaken }) =>
    (isGood(results) || isBad(results)) && !!previous && !isOvertaken && previous.results !== results,
  problem: begins,
  fixed: ({ results, previous, isOvertaken }) =>
    isGood(results) && !!previous && !isOvertaken && isBad(previous.results),
  firstFailure: (end) => begins(end) && end.isLaterFailure !== true,
};

/** Whether the options of a reporter, without its filter function, want an event. */
export function wantsEvent(event: ReportedEvent, options: ReporterOptions): boolean {
  const { build, step, buildset, request } = event;
  if (build && step)
    return wantsSubject(ofBuild(build), options) && fitsAny(step.name, options.steps) && fitsMode(step, options.modes);
  if (build) {
    const isLaterFailure = build.earlierFailures.some(({ builder }) => fitsAny(builder, options.builders));
    return wantsSubject(ofBuild(build), options) && fitsMode({ ...build, isLaterFailure }, options.modes);
  }
  if (buildset) return wantsSubject(buildset, options) && fitsMode(buildset, options.modes);
  if (request)
    return request.after === waitingAfterOf(options) && wantsSubject({ ...request, builders: [request] }, options);
  return true;
}

/** What begins has no result yet: every mode begins with it. */
function fitsMode(
  end: Omit<End, "results"> & { readonly results: number | null },
  wanted: readonly ReportMode[],
): boolean {
  const { results } = end;
  return results === null || wanted.some((mode) => modes[mode]({ ...end, results }));
}

interface Subject {
  readonly builders: readonly { readonly builder: string; readonly tags: readonly string[] }[];
  readonly sources: readonly ReportedSource[];
  readonly properties: Readonly<Record<string, Json>>;
  /** Absent: unknown. */
  readonly authors?: readonly string[];
}

const ofBuild = (build: ReportedBuild): Subject => ({ ...build, builders: [build] });

function wantsSubject({ builders, sources, properties, authors = [] }: Subject, options: ReporterOptions): boolean {
  const { tags } = options;
  const scheduler = properties["scheduler"];
  return (
    // A buildset without builders is about none in particular.
    (builders.length === 0 ||
      builders.some(
        (one) =>
          fitsAny(one.builder, options.builders) && (tags === undefined || tags.some((tag) => one.tags.includes(tag))),
      )) &&
    (options.branches === undefined || sources.some(({ branch }) => fitsAny(branch ?? "", options.branches))) &&
    (options.schedulers === undefined || fitsAny(typeof scheduler === "string" ? scheduler : "", options.schedulers)) &&
    (options.authors === undefined || authors.some((author) => fitsAny(author, options.authors))) &&
    Object.entries(options.properties ?? {}).every(([name, globs]) => fitsProperty(properties[name], globs))
  );
}

/** A text as it is, everything else as JSON. A property that is not there fits nothing. */
function fitsProperty(value: Json | undefined, globs: string | readonly string[]): boolean {
  if (value === undefined) return false;
  return fitsAny(typeof value === "string" ? value : JSON.stringify(value), [globs].flat());
}

function fitsAny(text: string, wanted: readonly string[] | undefined): boolean {
  return wanted === undefined || wanted.some((glob) => fitsGlob(text, glob));
}
