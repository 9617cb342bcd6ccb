import { z } from "zod";
import type { ConfigWarning } from "./config-warning.ts";
import { explainIssue } from "./describe-issue.ts";

/** The kinds of things a config can name. */
export type PluginKind = "step" | "scheduler" | "change-source" | "hook" | "auth";

/** What the definition of every plugin has. */
interface CommonDefinition<Kind extends PluginKind> {
  readonly kind: Kind;
  readonly type: string;
  readonly options: z.ZodType;
  /** Risks of checked options; their paths begin at the options. A step's options may hold functions of the build. */
  warnings?(options: unknown): readonly ConfigWarning[];
}

/** What a config is checked by as a whole, by the kind of plugin; its behaviour is in packages/plugins/src/define-*.ts. */
interface DefinitionFacts {
  step: {
    /** Names of the schedulers that it triggers, as far as they are known before it runs. */
    triggers?(options: unknown): readonly string[];
  };
  scheduler: {
    /** Names of the builders that the options name. */
    builderNames?(options: unknown): readonly string[];
    /** Whether steps may trigger it. */
    readonly triggerable?: boolean;
  };
  "change-source": {
    /** The name by which it is claimed, where that is not the option `name`. */
    nameOf?(options: unknown): string;
  };
  hook: {
    /** How it knows by itself who sends a request; undefined when it does not. */
    authenticate?(options: unknown): unknown;
  };
  auth: {
    /** What it cannot do without, elsewhere in the config. */
    readonly needs?: readonly ("url" | "trustedProxies")[];
    /** The option that keeps strangers out, where with these options anyone in the world has an account. */
    admitsAnyone?(options: unknown): string | undefined;
  };
}

/** The definition of a plugin of one kind. */
export type PluginDefinition<Kind extends PluginKind = PluginKind> = CommonDefinition<Kind> & DefinitionFacts[Kind];

/** What a plugin's factory returns to a config: data only. Options are checked when the config is loaded, not before. */
export interface PluginDescriptor<Kind extends PluginKind = PluginKind> {
  readonly plugin: PluginDefinition<Kind>;
  readonly options: unknown;
}

/** Accepts a descriptor of one kind, checks its options by its plugin's schema, and gives it back with them parsed. */
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
