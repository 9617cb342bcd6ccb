import { z } from "zod";
import type { ConfigWarning } from "./config-warning.ts";
import { explainIssue } from "./describe-issue.ts";

/** The kinds of things a config can name. */
export type PluginKind = "step" | "scheduler" | "change-source" | "hook" | "auth";

/** What every plugin's definition has in common; each kind adds its behaviour (packages/plugins/src/define-*.ts). */
export interface PluginDefinition<Kind extends PluginKind = PluginKind> {
  readonly kind: Kind;
  readonly type: string;
  readonly options: z.ZodType;
  /** Names of the builders that the options name, so that a config is checked as a whole. */
  builderNames?(options: unknown): readonly string[];
  /** Names of the schedulers that a step triggers, as far as they are known before it runs. */
  triggers?(options: unknown): readonly string[];
  /** Whether it is a scheduler that steps may trigger. */
  readonly triggerable?: boolean;
  /** Of a hook: how it knows by itself who sends a request; undefined when it does not. */
  authenticate?(options: unknown): unknown;
  /** Of a login: what it cannot do without, elsewhere in the config. */
  readonly needs?: readonly ("url" | "trustedProxies")[];
  /** Of a login: the option that keeps strangers out, where with these options anyone in the world has an account. */
  admitsAnyone?(options: unknown): string | undefined;
  /** The name by which it is claimed, where that is not the option `name`. */
  nameOf?(options: unknown): string;
  /** Risks of checked options; their paths begin at the options. A step's options may hold functions of the build. */
  warnings?(options: unknown): readonly ConfigWarning[];
}

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
        for (const { path, message } of explainIssue(issue, descriptor.plugin.options)) {
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
