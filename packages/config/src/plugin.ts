import { z } from "zod";
import type { ConfigWarning } from "./config-warning.ts";
import { explainIssue } from "./describe-issue.ts";
import type { OnMasterConfig } from "./on-master.ts";

/** The kinds of plugins that a config can use. */
export type PluginKind =
  | "step"
  | "scheduler"
  | "change-source"
  | "hook"
  | "auth"
  | "latent-worker"
  | "secret-provider"
  | "artifact-store"
  | "reporter";

/** The fields that every plugin's definition has. */
interface CommonDefinition<Kind extends PluginKind> {
  readonly kind: Kind;
  readonly type: string;
  readonly options: z.ZodType;
  /** Risks of checked options; paths begin at the options. A step's options may contain functions of the build. */
  warnings?(options: unknown): readonly ConfigWarning[];
}

/** Something that a step does on the master's machine, the option of the step, if any, and the part of `onMaster` that allows it. */
export interface OnMasterUse {
  readonly option?: string;
  readonly needs: keyof OnMasterConfig;
}

/** What the checks of a whole config use, by kind of plugin; the plugin's behaviour is in packages/plugins/src/define-*.ts. */
interface DefinitionFacts {
  step: {
    /** Names of the schedulers that the step triggers, as far as they are known before it runs. */
    triggers?(options: unknown): readonly string[];
    /** Those of them whose builds it waits for. */
    awaits?(options: unknown): readonly string[];
    /** What the step does on the master's machine, which `onMaster` of the config must allow. */
    onMaster?(options: unknown): readonly OnMasterUse[];
    /** The steps that its options contain, as far as they are known before it runs. */
    inner?(options: unknown): readonly InnerStep[];
  };
  scheduler: {
    /** Names of the builders in the options. */
    builderNames?(options: unknown): readonly string[];
    /** Names of the schedulers whose buildsets it waits for. */
    upstreams?(options: unknown): readonly string[];
    /** Whether steps may trigger the scheduler. */
    readonly triggerable?: boolean;
  };
  "change-source": {
    /** The name of its claim, if that is not the option `name`. */
    nameOf?(options: unknown): string;
  };
  hook: {
    /** How the hook authenticates a sender by itself; undefined if it does not. */
    authenticate?(options: unknown): unknown;
  };
  auth: {
    /** Other options of the config that the login requires. */
    readonly needs?: readonly ("url" | "trustedProxies")[];
    /** The option that restricts who may log in, if without it anyone in the world can. */
    admitsAnyone?(options: unknown): string | undefined;
  };
  reporter: {
    /** Renders its messages for sample builds; returns what is wrong with them, in sentences. */
    check?(options: unknown): readonly string[] | Promise<readonly string[]>;
  };
  /** Its options have those of every latent worker (slices/latent-workers.ts). */
  "latent-worker": object;
  "secret-provider": {
    /** The names of the secrets that it has. */
    namesOf(options: unknown): readonly string[];
  };
  "artifact-store": object;
}

/** A step in the options of another one, and the path to it from there. */
export interface InnerStep {
  readonly path: readonly PropertyKey[];
  readonly step: PluginDescriptor<"step">;
}

/** The definition of a plugin of one kind. */
export type PluginDefinition<Kind extends PluginKind = PluginKind> = CommonDefinition<Kind> & DefinitionFacts[Kind];

/** What a plugin's factory returns to a config: data only. Options are checked when the config is loaded. */
export interface PluginDescriptor<Kind extends PluginKind = PluginKind> {
  readonly plugin: PluginDefinition<Kind>;
  readonly options: unknown;
}

/** Accepts a descriptor of one kind, checks its options by its plugin's schema, and returns it with parsed options. */
export function descriptorOf<Kind extends PluginKind>(kind: Kind): z.ZodType<PluginDescriptor<Kind>> {
  return z
    .custom<PluginDescriptor<Kind>>(
      (value) => typeof value === "object" && value !== null && (value as PluginDescriptor).plugin?.kind === kind,
      { message: `must be a ${kind}, made by one of the ${kind} factories` },
    )
    .transform((descriptor, ctx) => {
      const parsed = descriptor.plugin.options.safeParse(descriptor.options);
      if (parsed.success) return { ...descriptor, options: parsed.data };
      for (const issue of parsed.error.issues) {
        for (const { path, message } of explainIssue(issue, descriptor.plugin.options, descriptor.options)) {
          ctx.addIssue({
            code: "custom",
            path,
            message: `${message} (option of ${descriptor.plugin.type})`,
            input: descriptor.options,
          });
        }
      }
      return z.NEVER;
    }) as unknown as z.ZodType<PluginDescriptor<Kind>>;
}
