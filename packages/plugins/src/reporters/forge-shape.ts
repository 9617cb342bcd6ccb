import { createHash } from "node:crypto";
import { functionOf } from "@multimaster/config";
import { fitsGlob, type Result, Results, resultName } from "@multimaster/core";
import type { ReportedBuild, ReportedSource } from "@multimaster/data";
import { z } from "zod";
import type { Delivery, Report } from "../define-reporter.ts";
import type { ReportedEvent } from "../reported-event.ts";
import { deliverEach } from "./deliver-each.ts";
import { httpShape } from "./http/http-shape.ts";
import { cutText } from "./messages/cut-text.ts";
import { showSafely } from "./messages/show-safely.ts";
import { reporterShape } from "./reporter-options.ts";
import { wrongValue } from "./returned-value.ts";

export type TextOfBuild = (build: ReportedBuild) => string;

/** An option that is a text, or a function of the build that returns one. */
export const textOfBuild = z.union([z.string().min(1), functionOf<TextOfBuild>("a text, or a function of the build")]);

/** Options of reporters that tell a forge how a commit does. */
export const forgeShape = {
  ...reporterShape,
  ...httpShape,
  context: textOfBuild
    .default("ci/{builder}")
    .describe("The name of the status; {builder} is the builder's name. Or a function of the build."),
  description: functionOf<(report: ReportedEvent) => string>("a function of the event")
    .optional()
    .describe("The text beside the status; default, also of an empty one: how the build ended, and how long it took."),
  codebase: z.string().optional().describe("Only the source of this codebase; default: every source of the build."),
  repositories: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Only sources whose repository's address fits one of these; * matches any text."),
};

export interface ForgeOptions {
  readonly context: string | TextOfBuild;
  readonly description?: ((report: ReportedEvent) => string) | undefined;
  readonly codebase?: string | undefined;
  readonly repositories?: readonly string[] | undefined;
}

/** No forge takes a longer name. */
const longestName = 255;

/** The name of a build's status. */
export function nameContext(build: ReportedBuild, context: string | TextOfBuild): string {
  const given: unknown =
    typeof context === "function" ? context(build) : context.replaceAll("{builder}", build.builder);
  if (typeof given !== "string" || given.trim() === "") throw wrongValue("context", "the name of the status", given);
  const name = showSafely(given).replaceAll(/[\n\t]+/g, " ");
  if (name.length <= longestName) return name;
  // What is cut off still tells statuses apart.
  return `${cutText(name, longestName - 9)} ${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
}

/** A commit at a forge. */
export interface ForgeCommit {
  /** "owner/name", with any number of groups. */
  readonly repository: string;
  readonly revision: string;
  readonly source: ReportedSource;
}

/** The commits that a build is about: what was asked for; where that is no commit, what was checked out of the same codebase. */
export function commitsOf(build: ReportedBuild, options: ForgeOptions): ForgeCommit[] {
  return build.sources.flatMap((source) => {
    if (!isChosen(source, options)) return [];
    const repository = repositoryPath(source.repository);
    const revision = [source.revision, checkedOut(build, source.codebase)].find(isElement);
    return repository && revision ? [{ repository, revision, source }] : [];
  });
}

/** The commits that have got a report already. */
const reached = z.object({ id: z.string(), commits: z.array(z.string()) });

export const nameCommit = ({ repository, revision }: ForgeCommit): string => `${repository}@${revision}`;

/** Shows a build at each of its commits. An attempt that follows one in which a commit was refused reports the others alone. */
export async function reportCommits(
  build: ReportedBuild,
  options: ForgeOptions,
  delivery: Pick<Delivery, "id" | "memory" | "remember" | "inOrder">,
  report: (commit: ForgeCommit) => Promise<void>,
): Promise<void> {
  const { id, memory, remember } = delivery;
  const commits = commitsOf(build, options);
  const done = readReached(memory, id);
  const save = (names: readonly string[]) => {
    // A single commit leaves nothing to a next attempt.
    if (commits.length > 1) remember(JSON.stringify({ id, commits: names }));
  };
  await deliverEach(commits, { keyOf: nameCommit, done, save }, (commit) =>
    reportInOrder(build, options, commit, delivery, () => report(commit)),
  );
}

/**
 * Shows a build at a commit, unless a later state was shown there under the same name. Contexts keep that order only where builds are
 * reported at a single commit: those of several codebases may share one with others, and a function `context` may have failed when it
 * was asked.
 */
export function reportInOrder(
  build: ReportedBuild,
  options: ForgeOptions,
  commit: ForgeCommit,
  { inOrder }: Pick<Delivery, "inOrder">,
  report: () => Promise<void>,
): Promise<void> {
  if (options.codebase !== undefined && typeof options.context !== "function") return report();
  return inOrder(JSON.stringify([nameContext(build, options.context), nameCommit(commit)]), report);
}

function readReached(memory: string | undefined, id: string): readonly string[] {
  if (memory === undefined) return [];
  const known = reached.parse(JSON.parse(memory));
  return known.id === id ? known.commits : [];
}

/** Whether a text is one element of a path: one like ".." would lead a token to another address of the API. */
const isElement = (text: string | null | undefined): text is string =>
  typeof text === "string" && /^[^\s/\\?#%]+$/.test(text) && text !== "." && text !== "..";

function checkedOut({ properties, sources }: ReportedBuild, codebase: string): string | undefined {
  const got = properties["got_revision"];
  // Of several codebases it does not say which one it is of.
  if (typeof got === "string") return sources.length === 1 ? got : undefined;
  // A property of several codebases has an object.
  const one =
    typeof got === "object" && got !== null ? (got as Readonly<Record<string, unknown>>)[codebase] : undefined;
  return typeof one === "string" ? one : undefined;
}

/** "owner/name" of "https://forge/owner/name.git", "git@forge:owner/name" or "ssh://git@forge/owner/name". */
export function repositoryPath(address: string): string | undefined {
  const path = /^[a-z+]+:\/\/[^/]+\/(.+)$/i.exec(address)?.[1] ?? /^[^/:]+:(?!\/\/)(.+)$/.exec(address)?.[1];
  const clean = path?.replace(/\/+$/, "").replace(/\.git$/, "");
  return clean?.includes("/") && clean.split("/").every(isElement) ? clean : undefined;
}

/** Why a build is reported at no commit, although a source of it is one that the options choose. */
export function explainNoCommit({ build }: ReportedEvent, options: ForgeOptions): string | undefined {
  if (!build || commitsOf(build, options).length > 0) return undefined;
  const why = build.sources
    .filter((source) => isChosen(source, options))
    .map(({ codebase, repository, revision }) => {
      const of = codebase === "" ? "its source" : `its source of codebase "${codebase}"`;
      if (!repositoryPath(repository))
        return `${of} has no repository with an address such as https://forge/owner/name`;
      return revision === null
        ? `${of} has no revision, and no step has set got_revision for it`
        : `${of} has no valid revision`;
    });
  return why.length === 0 ? undefined : `${build.builder} #${build.number} is about no commit: ${why.join("; ")}`;
}

const isChosen = (source: ReportedSource, { codebase, repositories }: ForgeOptions): boolean =>
  (codebase === undefined || source.codebase === codebase) &&
  (!repositories || repositories.some((glob) => fitsGlob(source.repository, glob)));

/** What reporters of commits and pull requests can report. */
export const eventsOfBuilds = ["build-started", "build-ended"] as const;

/** The context of a forge's statuses: commits and name, so that states of one status arrive in order. */
export function statusContext({ build }: ReportedEvent, options: ForgeOptions): string | null {
  if (!build) return null;
  const commits = commitsOf(build, options);
  if (commits.length === 0) return null;
  return JSON.stringify([nameContext(build, options.context), ...commits.map(nameCommit)]);
}

/** The text beside a status, at most as long as the forge takes it. A function that has nothing to say leaves the usual one. */
export function describeStatus(
  report: Report,
  { description = describeEnd }: Pick<ForgeOptions, "description">,
  longest: number,
): string {
  const given: unknown = description(report) ?? "";
  if (typeof given !== "string") throw wrongValue("description", "a text", given);
  return cutText(showSafely(given.trim() === "" ? describeEnd(report) : given), longest);
}

function describeEnd({ build }: ReportedEvent): string {
  if (!build) return "";
  if (build.results === null) return "Build started";
  if (build.results === Results.RETRY) return "Build was lost and runs again";
  const seconds = Math.max(0, (build.completeAt ?? build.startedAt) - build.startedAt);
  return `${describeResult(build.results)} after ${describeSeconds(seconds)}: ${build.state}`;
}

export const describeResult = (results: Result): string => {
  const word = resultName(results);
  return `${word[0]?.toUpperCase()}${word.slice(1)}`;
};

export function describeSeconds(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** One of the states of a forge for a result; null: the build runs. */
export type StateNames = {
  readonly [K in "running" | "success" | "failure" | "error" | "cancelled"]: string;
};

export function stateOf(results: Result | null, names: StateNames): string {
  switch (results) {
    case null:
    case Results.RETRY:
      return names.running;
    case Results.SUCCESS:
    case Results.WARNINGS:
    case Results.SKIPPED:
      return names.success;
    case Results.CANCELLED:
      return names.cancelled;
    case Results.EXCEPTION:
      return names.error;
    default:
      return names.failure;
  }
}
