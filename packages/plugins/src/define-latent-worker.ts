import {
  type ConfigWarning,
  type LatentWorkerOptions,
  latentWorkerShape,
  type PluginDefinition,
  type PluginDescriptor,
  problemsOfLatent,
} from "@multimaster/config";
import type { Clock, Logger } from "@multimaster/core";
import { z } from "zod";

/** How a provider's things are recognized as this cluster's: nothing is ended that does not carry these labels. */
export interface InstanceLabels {
  /** Distinguishes this cluster from all others; made once, kept in the database. */
  readonly cluster: string;
  /** The latent worker's name in the config. */
  readonly latent: string;
}

/** What a kind of latent worker works with. */
export interface ProviderContext {
  readonly labels: InstanceLabels;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the engine stops. */
  readonly signal: AbortSignal;
  /** A directory of this latent worker on this master; it may not exist yet. */
  readonly directory: string;
  /** The config's directory; relative paths in options start here. */
  readonly configDirectory: string;
}

/** An instance that is to be started. */
export interface NewInstance {
  /** Its number, unique in the cluster for ever; it is a label, too. */
  readonly instanceid: number;
  /** The name and the secret with which it logs in as a worker. The secret is valid for this instance alone. */
  readonly worker: string;
  readonly secret: string;
  /** Where it connects: the option `masterUrl`, or this engine's own port. */
  readonly masterUrl: string;
  /** The chosen one of `places`. */
  readonly place: string | null;
  /** Adds to the start-up log, which the worker_preparation step of its builds shows. Secrets do not belong in it. */
  output(text: string): void;
}

/** An instance as the provider lists it. */
export interface FoundInstance {
  /** What the provider calls it, as `start` returned it. */
  readonly id: string;
  /** The number that it was started with; undefined: its label is damaged. */
  readonly instanceid: number | undefined;
  /** False: it has ended, and only its remains are listed. */
  readonly isAlive: boolean;
  /** What it wrote last, of one that has ended. */
  readonly lastWords?: string;
}

/** A place where instances can be made. */
export interface InstancePlace {
  readonly name: string;
  readonly maxInstances: number;
}

/** A kind of latent worker as the builder-engine uses it. */
export interface LatentWorkerDefinition<Options = unknown> extends PluginDefinition<"latent-worker"> {
  /** Risks of the options; paths begin at the options. */
  warnings?(options: Options): readonly ConfigWarning[];
  /** What of the options cannot work together: errors of the config; paths begin at the options. */
  problems?(options: Options): readonly ConfigWarning[];
  /** What masters that reach the instances have in common, such as their host; null: every master reaches them. */
  reach(options: Options, ctx: Pick<ProviderContext, "directory">): string | null;
  /** Where instances can be made; absent: in one place without a limit of its own. */
  places?(options: Options): readonly InstancePlace[];
  /** The URL that instances connect to, if the config names one. */
  masterUrlOf(options: Options): string | undefined;
  /**
   * Starts an instance, labelled; returns what the provider calls it. Functions in the options have been rendered for the
   * build request that it is made for. A rejection means that nothing is left of it, or that `list` finds it.
   */
  start(ctx: ProviderContext, options: Options, instance: NewInstance): Promise<string>;
  /** Ends an instance; one that is gone already is no error. */
  stop(ctx: ProviderContext, options: Options, id: string): Promise<void>;
  /**
   * Returns everything that carries the labels, of one of `places`, or of the provider (null) for a kind without places.
   * A rejection: unknown, nothing is concluded from it.
   */
  list(ctx: ProviderContext, options: Options, place: string | null): Promise<readonly FoundInstance[]>;
  /** What an instance that runs has written last; it is asked for those that take long to attach. */
  lastWords?(ctx: ProviderContext, options: Options, id: string): Promise<string>;
  /** Why an instance that `list` shows no longer has ended; undefined: the provider does not say that it has. */
  whyGone?(ctx: ProviderContext, options: Options, id: string): Promise<string | undefined>;
}

type Options<S extends z.ZodRawShape> = z.output<z.ZodObject<typeof latentWorkerShape & S>>;
type Input<S extends z.ZodRawShape> = z.input<z.ZodObject<typeof latentWorkerShape & S>>;

export interface LatentWorkerPlugin<S extends z.ZodRawShape>
  extends Omit<LatentWorkerDefinition<Options<S>>, "kind" | "options"> {
  /** The options of this kind, beside those of every latent worker. */
  readonly options: S;
}

/** Defines a kind of latent worker. Each file default-exports the result, which a config calls. */
export function defineLatentWorker<S extends z.ZodRawShape>(
  plugin: LatentWorkerPlugin<S>,
): (options: Input<S>) => PluginDescriptor<"latent-worker"> {
  const options = z.strictObject({ ...latentWorkerShape, ...plugin.options }).superRefine((value, ctx) => {
    const found = [
      ...problemsOfLatent(value as LatentWorkerOptions),
      ...(plugin.problems?.(value as Options<S>) ?? []),
    ];
    for (const { path, sentence } of found) ctx.addIssue({ code: "custom", path: [...path], message: sentence });
  });
  const definition = { ...plugin, kind: "latent-worker" as const, options };
  return (given) => ({ plugin: definition as unknown as PluginDefinition<"latent-worker">, options: given });
}
