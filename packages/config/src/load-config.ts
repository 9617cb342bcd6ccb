import { mkdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { append, errors, UserError } from "@multimaster/core";
import { createJiti } from "jiti";
import type { z } from "zod";
import { listClosedDefaults } from "./closed-defaults.ts";
import { type ConfigPart, listParts } from "./config-parts.ts";
import { type ClusterConfig, type ClusterConfigInput, clusterConfig } from "./define-cluster.ts";
import { describeIssue } from "./describe-issue.ts";
import { EnvNotes, noteEnvironment } from "./env.ts";
import { explainLoadError, shortenPath } from "./explain-load-error.ts";
import { hashConfig } from "./hash-config.ts";
import type { PlaceOf } from "./place-of.ts";
import { type LoadedParts, listWarnings, type Placed } from "./slice-warnings.ts";
import { type BuildersSlice, type BuildersSliceInput, buildersSlice } from "./slices/builders.ts";
import { type SchedulerSlice, type SchedulerSliceInput, schedulerSlice } from "./slices/scheduler.ts";
import { type UiSlice, type UiSliceInput, uiSlice } from "./slices/ui.ts";
import { type WorkersSlice, type WorkersSliceInput, workersSlice } from "./slices/workers.ts";

/** A config file whose shared part is loaded; each slice is loaded and checked when it is requested. */
export interface LoadedConfig {
  readonly file: string;
  readonly directory: string;
  /** A hash of its files as they were when it was loaded; the same for masters of all roles. */
  readonly hash: string;
  readonly shared: ClusterConfig;
  scheduler(): Promise<SchedulerSlice>;
  /** The builder sets named, or all of them, by name. */
  builders(sets: readonly string[] | "all"): Promise<ReadonlyMap<string, BuildersSlice>>;
  workers(): Promise<WorkersSlice>;
  ui(): Promise<UiSlice>;
  /** What the file of a slice exports, right or wrong; undefined unless the slice was requested and its file could be evaluated. */
  given(part: string): unknown;
  /** What a problem in a part begins with: its file, or the config file and the part's name. */
  readonly placeOf: PlaceOf;
  /** Risks in the slices that were loaded so far, and in the shared part: one line each, with file and path. */
  warnings(): readonly string[];
  /** The defaults closed by this release for which the loaded parts set no option, with the line that opens each. */
  closedDefaults(): readonly string[];
  /** The named things in the slices that were loaded so far, and in the shared part. */
  parts(): readonly ConfigPart[];
}

export interface LoadConfigOptions {
  /** The packages that a config can import from any directory: name to directory of its modules. */
  packages?: Readonly<Record<string, string>>;
  /** Runs on the slices even if the shared part has errors, so that all errors are reported together. */
  alsoCheck?(config: LoadedConfig): Promise<unknown>;
}

/**
 * Loads a config written in TypeScript or JavaScript, without a build step. All errors of a file are reported together,
 * each with the file and the path in it.
 */
export async function loadConfig(configFile: string, options: LoadConfigOptions = {}): Promise<LoadedConfig> {
  const file = resolve(configFile);
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) throw errors.configNotFound(configFile);
  const directory = dirname(file);
  const evaluate = createEvaluator(file, options);
  const { noted } = evaluate;
  const code = hashConfig(file);

  const exported = await evaluate(shortenPath(file), () => evaluate.import(file));
  try {
    return describe(parse(shortenPath(file), clusterConfig, exported), exported as ClusterConfigInput);
  } catch (error) {
    if (!(error instanceof ConfigProblems) || typeof exported !== "object" || !options.alsoCheck) throw error;
    const problems = [...error.problems];
    const unchecked = { builders: {}, ...exported } as ClusterConfig;
    const config = describe(unchecked, exported as ClusterConfigInput);
    await collect(problems, () => options.alsoCheck?.(config) ?? Promise.resolve());
    throw new ConfigProblems(problems, config.warnings());
  }

  function describe(cluster: ClusterConfig, givenCluster: ClusterConfigInput): LoadedConfig {
    const shared = { ...cluster, database: absoluteSqlite(cluster.database, directory) };
    const slices = new Map<string, Promise<unknown>>();
    const loaded = new Map<string, Placed<unknown, unknown>>();
    const evaluated = new Map<string, unknown>();

    // A slice is evaluated once, however often it is requested.
    function slice<S extends z.ZodType>(
      name: string,
      load: (() => Promise<unknown>) | undefined,
      schema: S,
    ): Promise<z.output<S>> {
      let loading = slices.get(name);
      if (!loading) slices.set(name, (loading = loadSlice(name, load, schema)));
      return loading as Promise<z.output<S>>;
    }

    async function loadSlice<S extends z.ZodType>(name: string, load: (() => Promise<unknown>) | undefined, schema: S) {
      // The check of the shared part has already reported a value that is not a function.
      if (load !== undefined && typeof load !== "function") throw new ConfigProblems([]);
      if (load === undefined) {
        throw new ConfigProblems([
          `${shortenPath(file)}: ${name}: is missing; the role needs it, such as ${name}: () => import("./${name}.ts")`,
        ]);
      }
      const place = placeOf(name);
      const given = await evaluate(place, load);
      evaluated.set(name, given);
      const parsed = parse(place, schema, given);
      loaded.set(name, { place, slice: parsed, given });
      return parsed;
    }

    function placeOf(name: string): string {
      if (name === "cluster") return shortenPath(file);
      const loaders: Readonly<Record<string, unknown>> = {
        scheduler: shared.scheduler,
        workers: shared.workers,
        ui: shared.ui,
        ...Object.fromEntries(Object.entries(shared.builders).map(([set, load]) => [`builders.${set}`, load])),
      };
      const load = loaders[name];
      const sliceFile = typeof load === "function" ? importedFile(load, directory) : undefined;
      // A slice written in the config file itself is found there by its name.
      return sliceFile === undefined ? `${shortenPath(file)}: ${name}` : shortenPath(sliceFile);
    }

    /** By name as `slice` was asked for it, so its schema gave it its type. */
    function part<Slice, Input>(name: string): Placed<Slice, Input> | undefined {
      return loaded.get(name) as Placed<Slice, Input> | undefined;
    }

    function loadedParts(): LoadedParts {
      const builders = Object.keys(shared.builders).flatMap((set) => {
        const placed = part<BuildersSlice, BuildersSliceInput>(`builders.${set}`);
        return placed ? [[set, placed] as const] : [];
      });
      return {
        shared: { place: shortenPath(file), slice: shared, given: givenCluster },
        scheduler: part<SchedulerSlice, SchedulerSliceInput>("scheduler"),
        workers: part<WorkersSlice, WorkersSliceInput>("workers"),
        ui: part<UiSlice, UiSliceInput>("ui"),
        builders: new Map(builders),
        environment: [...noted].flatMap(([place, notes]) => warnOfEnvironment(place, notes)),
        placeOf,
      };
    }

    return {
      file,
      directory,
      hash: code.hash,
      shared,
      scheduler: () => slice("scheduler", shared.scheduler, schedulerSlice),
      workers: () => slice("workers", shared.workers, workersSlice),
      ui: () => slice("ui", shared.ui, uiSlice),
      async builders(sets) {
        const names = sets === "all" ? Object.keys(shared.builders) : sets;
        for (const name of names) {
          if (!(name in shared.builders)) throw errors.unknownBuilderSet(name, Object.keys(shared.builders));
        }
        const problems: string[] = [];
        const found = new Map<string, BuildersSlice>();
        for (const name of names) {
          await collect(problems, async () =>
            found.set(name, await slice(`builders.${name}`, shared.builders[name], buildersSlice)),
          );
        }
        if (problems.length > 0) throw new ConfigProblems(problems);
        return found;
      },
      given: (part) => evaluated.get(part),
      placeOf,
      warnings: () => [...new Set(listWarnings(loadedParts()))],
      closedDefaults: () => listClosedDefaults(loadedParts()),
      parts: () => listParts(loadedParts(), code),
    };
  }
}

/** Runs `load`; config problems are added to `problems` instead of being thrown. */
export async function collect(problems: string[], load: () => Promise<unknown>): Promise<void> {
  try {
    await load();
  } catch (error) {
    if (error instanceof ConfigProblems) append(problems, error.problems);
    else if (error instanceof UserError) problems.push(error.message);
    else throw error;
  }
}

/** Thrown with all problems; the message lists the warnings after them. */
export class ConfigProblems extends UserError {
  readonly problems: readonly string[];

  constructor(problems: readonly string[], warnings: readonly string[] = []) {
    const { code, status, exitCode, message } = errors.configInvalid(problems, warnings);
    super(code, { status, exitCode }, message);
    this.problems = problems;
  }
}

type Evaluate = ((place: string, load: () => Promise<unknown>) => Promise<unknown>) & {
  import(file: string): Promise<unknown>;
  /** What each file read from the environment. */
  readonly noted: ReadonlyMap<string, EnvNotes>;
};

function warnOfEnvironment(place: string, { fallbacks, unset }: EnvNotes) {
  const sentences = [...fallbacks].map(
    (name) =>
      `env("${name}", …) has a fallback, which everyone who can read the config knows: remove it, so that a missing variable is an error`,
  );
  if (unset.size > 0) {
    const more = unset.size > 5 ? `, and ${unset.size - 5} more` : "";
    sentences.push(
      `secrets are not set: ${[...unset].slice(0, 5).join(", ")}${more}; what needs them fails until these variables are`,
    );
  }
  return sentences.map((sentence) => ({ place, warning: { path: [], sentence } }));
}

/** Creates a loader for one load: it keeps nothing of an earlier version of the files. */
function createEvaluator(file: string, options: LoadConfigOptions): Evaluate {
  const jiti = createJiti(file, {
    moduleCache: false,
    fsCache: privateCache(),
    alias: { ...options.packages },
  });
  const noted = new Map<string, EnvNotes>();
  const evaluate = async (place: string, load: () => Promise<unknown>) => {
    const notes = new EnvNotes();
    noted.set(place, notes);
    try {
      const module = (await noteEnvironment(notes, load)) as { default?: unknown };
      // For compatibility with old packages, the loader returns a module without a default export as its own default.
      return Object.keys(module).includes("default") ? await module.default : undefined;
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new ConfigProblems([
        `${place}: cannot be loaded: ${explainLoadError(error, dirname(file), options.packages)}`,
      ]);
    }
  };
  return Object.assign(evaluate, { import: (path: string) => jiti.import(path), noted });
}

/** Compiled configs are code: they are cached only in a directory that no other user can write to. */
function privateCache(): string | false {
  const directory = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "multimaster", "config");
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return directory;
  } catch {
    return false;
  }
}

function parse<S extends z.ZodType>(file: string, schema: S, value: unknown): z.output<S> {
  if (value === undefined)
    throw new ConfigProblems([`${file}: has no default export; write "export default define…({ … })"`]);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ConfigProblems(
    parsed.error.issues.flatMap((issue) => describeIssue(issue, schema, value).map((text) => `${file}: ${text}`)),
  );
}

/** The file that `() => import("./x.ts")` names, for messages; undefined when the function is written otherwise. */
function importedFile(load: { toString(): string }, directory: string): string | undefined {
  const path = /\(\s*["'`](\.[^"'`]+)["'`]/.exec(load.toString())?.[1];
  return path === undefined ? undefined : resolve(directory, path);
}

function absoluteSqlite(url: string, directory: string): string {
  if (typeof url !== "string" || !url.startsWith("sqlite:") || url === "sqlite::memory:") return url;
  return `sqlite:${resolve(directory, url.slice("sqlite:".length))}`;
}
