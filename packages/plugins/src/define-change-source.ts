import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { Clock, Json, Logger } from "@multimaster/core";
import type { Lost, NewChange } from "@multimaster/data";
import type { z } from "zod";
import type { Running } from "./running.ts";

/** What a change source works with while this master has its claim. It sees neither rows nor topics. */
export interface ChangeSourceContext extends ProblemReport {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when it has to stop: the claim was lost, or the master drains. */
  readonly signal: AbortSignal;
  /** A directory of its own on this master, for what can be had again; it may not exist yet. */
  readonly directory: string;
  /** Where the config lies; relative paths in options start here. */
  readonly configDirectory: string;
  /** State saved with `addChanges`, by whichever master had the claim then. */
  getState(name: string): Promise<Json | undefined>;
  /**
   * Adds changes and saves how far the source got, in one transaction. "lost": another master has the claim by now,
   * nothing was written and this one is about to be stopped; just return.
   */
  addChanges(changes: readonly NewChange[], state: { name: string; value: Json }): Promise<readonly number[] | Lost>;
}

/** Problems that a change source reports about itself. */
export interface ProblemReport {
  /** What keeps it from finding changes, in a sentence, or null if nothing does. Shown until it is replaced. */
  setProblem?(problem: string | null): Promise<void>;
}

/** What the scheduler role asks of a change source. */
export interface ChangeSourceDefinition<Options = unknown> extends PluginDefinition<"change-source"> {
  /** Risks of the options, such as what is open; paths begin at the options. */
  warnings?(options: Options): readonly ConfigWarning[];
  /** The class name under which its state is saved, as Buildbot's source of the same kind has it. */
  readonly className: string;
  /** Unique in the cluster; what is claimed. */
  nameOf(options: Options): string;
  /** Resolves when it works. A rejection is logged and tried again later, maybe by another master. */
  start(ctx: ChangeSourceContext, options: Options): Promise<Running>;
}

export interface ChangeSourcePlugin<S extends z.ZodType>
  extends Omit<ChangeSourceDefinition<z.output<S>>, "kind" | "options"> {
  readonly options: S;
}

/** Defines a change source: one file, whose default export is what this returns and what a config calls. */
export function defineChangeSource<S extends z.ZodType>(
  plugin: ChangeSourcePlugin<S>,
): (options: z.input<S>) => PluginDescriptor<"change-source"> {
  const definition: ChangeSourceDefinition<z.output<S>> = { ...plugin, kind: "change-source" };
  return (options) => ({ plugin: definition, options });
}
