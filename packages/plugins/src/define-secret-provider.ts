import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import { type Clock, duration } from "@multimaster/core";
import { z } from "zod";

/** What a provider works with. */
export interface SecretProviderContext {
  readonly clock: Clock;
  /** Relative paths of options begin there. */
  readonly configDirectory: string;
}

/** A place with secrets. */
export interface SecretProvider {
  /**
   * Reads the value of one of its names. Rejects with a cause that says what is wrong and has no secret in it; must end
   * soon once the signal aborts.
   */
  fetch(name: string, signal: AbortSignal): Promise<string>;
}

/** The options of every provider. */
export const commonSecretOptions = {
  builders: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Only builders with such names may use its secrets; * matches any text. Absent: all of the set."),
  cache: duration
    .prefault("5m")
    .refine((ms) => ms <= 86_400_000, "is at most a day")
    .describe("How long a value is used before it is fetched again, at most a day."),
  timeout: duration
    .prefault("10s")
    .refine((ms) => ms > 0 && ms <= 600_000, "is more than nothing, and at most ten minutes")
    .describe("Longest time to fetch a value, at most ten minutes."),
};

/** The name of a secret, as steps use it. */
export const secretName = z.string().regex(/^[\w-]+$/, "the name of a secret has letters, digits, '_' and '-' only");

/** What is known of any provider's options. */
export interface CommonSecretOptions {
  readonly builders?: readonly string[] | undefined;
  readonly cache: number;
  readonly timeout: number;
}

export interface SecretProviderDefinition<Options = unknown> extends PluginDefinition<"secret-provider"> {
  /** As messages name the place: "the directory /etc/secrets". */
  describe(options: Options): string;
  /** The names that it has. */
  namesOf(options: Options): readonly string[];
  warnings?(options: Options): readonly ConfigWarning[];
  start(ctx: SecretProviderContext, options: Options): SecretProvider;
}

type Shape<S extends z.ZodRawShape> = z.ZodObject<S & typeof commonSecretOptions, z.core.$strict>;

interface SecretProviderPlugin<S extends z.ZodRawShape>
  extends Omit<SecretProviderDefinition<z.output<Shape<S>>>, "kind" | "options"> {
  readonly options: S;
}

/** Defines a place with secrets. Each file default-exports the result, which a config calls. */
export function defineSecretProvider<S extends z.ZodRawShape>(
  plugin: SecretProviderPlugin<S>,
): (options: z.input<Shape<S>>) => PluginDescriptor<"secret-provider"> {
  const options = z.strictObject({ ...plugin.options, ...commonSecretOptions });
  const definition = { ...plugin, kind: "secret-provider", options } as unknown as PluginDefinition<"secret-provider">;
  return (given) => ({ plugin: definition, options: given });
}
