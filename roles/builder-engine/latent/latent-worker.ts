import { resolve } from "node:path";
import {
  describeIssue,
  holdsFunction,
  instanceNames,
  type LatentWorkerOptions,
  latentOptionsOf,
  type PluginDescriptor,
  type RenderContext,
  render,
} from "@multimaster/config";
import type { Clock, Logger } from "@multimaster/core";
import type { LatentConfiguration } from "@multimaster/data";
import type { LatentWorkerDefinition, ProviderContext } from "@multimaster/plugins";
import type { z } from "zod";

export interface LatentWorkerSurroundings {
  /** Where relative paths of the config begin. */
  readonly configDirectory: string;
  /** Below it each latent worker has a directory of its name. */
  readonly basedir: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** A latent worker of the config: its options, its kind, and what it works with. */
export class LatentWorker {
  readonly options: LatentWorkerOptions;
  readonly definition: LatentWorkerDefinition;
  readonly kind: string;
  /** Names of the workers that its instances are. */
  readonly workers: readonly string[];
  /** Options contain functions of the build request, so that each instance is made for one. */
  readonly isBound: boolean;
  #surroundings: LatentWorkerSurroundings;
  #context: ProviderContext | undefined;

  constructor(descriptor: PluginDescriptor<"latent-worker">, surroundings: LatentWorkerSurroundings) {
    this.options = latentOptionsOf(descriptor);
    this.definition = descriptor.plugin as unknown as LatentWorkerDefinition;
    this.kind = this.definition.type;
    this.workers = instanceNames(this.options);
    const { accepts: _, ...ofInstances } = this.options;
    this.isBound = holdsFunction(ofInstances);
    this.#surroundings = surroundings;
  }

  get name(): string {
    return this.options.name;
  }

  /** What the cluster knows of it. */
  get configuration(): LatentConfiguration {
    const { name, minInstances, maxInstances } = this.options;
    return { name, kind: this.kind, minInstances, maxInstances, workers: this.workers };
  }

  /** From now on its provider can be asked. */
  identify(cluster: string): void {
    const { configDirectory, basedir, clock, log, signal } = this.#surroundings;
    const directory = resolve(configDirectory, basedir, "latent", this.name);
    this.#context = { labels: { cluster, latent: this.name }, clock, log, signal, directory, configDirectory };
  }

  get context(): ProviderContext {
    if (!this.#context) throw new TypeError(`latent worker ${this.name} is not registered yet`);
    return this.#context;
  }

  /** What masters that reach its instances have in common; null: all do. */
  get reach(): string | null {
    return this.definition.reach(this.options, this.context);
  }

  /** Where its provider is asked what it has; null: there is only one place. */
  get places(): readonly (string | null)[] {
    return this.definition.places?.(this.options).map(({ name }) => name) ?? [null];
  }

  /** Whether this engine reaches an instance at its provider. */
  reaches({ host }: { readonly host: string | null }): boolean {
    return host === null || host === this.reach;
  }

  /** The options for an instance: functions rendered, and their results checked. */
  async render(rendering: RenderContext | undefined): Promise<LatentWorkerOptions> {
    if (!rendering) return this.options;
    const { shape } = this.definition.options as z.ZodObject;
    const entries = await Promise.all(
      Object.entries(this.options).map(async ([name, given]) => {
        if (name === "accepts" || !holdsFunction(given)) return [name, given] as const;
        const rendered = await render(given, rendering);
        const parsed = shape[name]?.safeParse(rendered) as z.ZodSafeParseResult<unknown>;
        if (!parsed.success) {
          const schema = shape[name] as z.ZodType;
          const why = parsed.error.issues.flatMap((issue) => describeIssue(issue, schema, rendered));
          throw new Error(`${name}: ${why.join("; ")}`);
        }
        return [name, parsed.data] as const;
      }),
    );
    return Object.fromEntries(entries) as LatentWorkerOptions;
  }
}
