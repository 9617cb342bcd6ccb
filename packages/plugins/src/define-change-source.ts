import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { Clock, Json, Logger } from "@multimaster/core";
import type { Lost, NewChange } from "@multimaster/data";
import type { z } from "zod";
import type { Running } from "./running.ts";

/** The operations of a change source while this master has its claim. It sees neither rows nor topics. */
export interface ChangeSourceContext extends ProblemReport {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the source must stop: the claim was lost, or the master drains. */
  readonly signal: AbortSignal;
  /** A directory of the source on this master, for data that can be fetched again; it may not exist yet. */
  readonly directory: string;
  /** The config's directory; relative paths in options start here. */
  readonly configDirectory: string;
  /** Returns state saved with `addChanges`, by whichever master had the claim. */
  getState(name: string): Promise<Json | undefined>;
  /**
   * Adds changes and saves the source's progress, in one transaction. "lost": another master has the claim, nothing was
   * written, and this source is about to be stopped; just return.
   */
  addChanges(changes: readonly NewChange[], state: { name: string; value: Json }): Promise<readonly number[] | Lost>;
}

/** Problems that a change source reports about itself. */
export interface ProblemReport {
  /** Sets the problem that prevents it from finding changes, or null for none. Shown until it is replaced. */
  setProblem?(problem: string | null): Promise<void>;
}

/** A change source as the scheduler role uses it. */
export interface ChangeSourceDefinition<Options = unknown> extends PluginDefinition<"change-source"> {
  /** Risks of the options, such as open access; paths begin at the options. */
  warnings?(options: Options): readonly ConfigWarning[];
  /** The class name under which its state is saved, the same as Buildbot's source of this kind. */
  readonly className: string;
  /** The name of its claim, unique in the cluster. */
  nameOf(options: Options): string;
  /** Resolves when it works. A rejection is logged and retried later, maybe by another master. */
  start(ctx: ChangeSourceContext, options: Options): Promise<Running>;
}

export interface ChangeSourcePlugin<S extends z.ZodType>
  extends Omit<ChangeSourceDefinition<z.output<S>>, "kind" | "options"> {
  readonly options: S;
}

/** Defines a change source. Each file default-exports the result, which a config calls. */
export function defineChangeSource<S extends z.ZodType>(
  plugin: ChangeSourcePlugin<S>,
): (options: z.input<S>) => PluginDescriptor<"change-source"> {
  const definition: ChangeSourceDefinition<z.output<S>> = { ...plugin, kind: "change-source" };
  return (options) => ({ plugin: definition, options });
}
