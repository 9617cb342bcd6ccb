import type { PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { Clock } from "@multimaster/core";
import type { z } from "zod";

/** What a kind of store works with. */
export interface ArtifactStoreContext {
  /** The config's directory; relative paths in options start here. */
  readonly configDirectory: string;
  readonly clock: Clock;
}

/** An object that is being written. No reader finds it before `finish` has resolved. */
export interface ObjectWriter {
  /** Resolves when the next block may come, so that the memory is bounded whatever the size. */
  write(block: Uint8Array): Promise<void>;
  /** Resolves when the object is stored durably. */
  finish(): Promise<void>;
  /** Nothing of it remains. It may be called after a failure; it never rejects. */
  discard(): Promise<void>;
}

/** Where the bytes of artifacts are. What exists and who may read it is in the database; a store knows keys only. */
export interface ArtifactStore {
  /** Where it is, for messages. */
  readonly description: string;
  /** Begins an object. Of a key that exists the new object replaces the old one. */
  create(key: string, signal: AbortSignal): Promise<ObjectWriter>;
  /** The bytes of an object, from `first` to `last` inclusive if given. Rejects if there is no such object. */
  read(
    key: string,
    signal: AbortSignal,
    range?: { readonly first: number; readonly last: number },
  ): Promise<AsyncIterable<Uint8Array>>;
  /** Removes an object and what a writer that died has left of it; one that is not there is no error. */
  remove(key: string): Promise<void>;
  /** Every object with its size, in no particular order. */
  list(signal: AbortSignal): AsyncIterable<{ readonly key: string; readonly size: number }>;
}

/** A store did not do what it was asked: the message says which and why. */
export class ArtifactStoreFailed extends Error {
  override name = "ArtifactStoreFailed";
}

/** A kind of store as masters use it. */
export interface ArtifactStoreDefinition<Options = unknown> extends PluginDefinition<"artifact-store"> {
  open(ctx: ArtifactStoreContext, options: Options): ArtifactStore;
}

export interface ArtifactStorePlugin<S extends z.ZodType>
  extends Omit<ArtifactStoreDefinition<z.output<S>>, "kind" | "options" | "warnings"> {
  readonly options: S;
}

/** Defines a kind of store. Each file default-exports the result, which a config calls. */
export function defineArtifactStore<S extends z.ZodType>(
  plugin: ArtifactStorePlugin<S>,
): (options: z.input<S>) => PluginDescriptor<"artifact-store"> {
  const definition: ArtifactStoreDefinition<z.output<S>> = { ...plugin, kind: "artifact-store" };
  return (options) => ({ plugin: definition, options });
}

/** Opens the store of a checked config. */
export function openArtifactStore(
  { plugin, options }: PluginDescriptor<"artifact-store">,
  context: ArtifactStoreContext,
): ArtifactStore {
  return (plugin as ArtifactStoreDefinition).open(context, options);
}

/** Keys are made by masters; a store refuses every other one, so that no name of a worker is ever a path. */
export function checkKey(key: string): string {
  if (/^[a-z0-9]{2}\/[a-z0-9-]{10,60}$/.test(key)) return key;
  throw new ArtifactStoreFailed(`"${key.slice(0, 80)}" is no key of an artifact`);
}
