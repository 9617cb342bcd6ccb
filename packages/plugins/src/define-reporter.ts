import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { Clock, Logger, ReportKind } from "@multimaster/core";
import type { z } from "zod";
import type { Report } from "./report.ts";
import { type Failure, ReportFailure } from "./report-failure.ts";
import type { ReportedEvent } from "./reported-event.ts";
import { refuseChoice } from "./reporters/check-choice.ts";
import { containFunctions } from "./reporters/contain-functions.ts";
import { describeProblem, secretsOf } from "./reporters/messages/hide-secrets.ts";
import { maskReport } from "./reporters/messages/mask-report.ts";
import type { ReporterOptions } from "./reporters/reporter-options.ts";

/** One attempt to send a report. */
export interface Delivery {
  /** The same in every attempt, and of no other report: for targets that ignore what they have already. */
  readonly id: string;
  /** An earlier attempt may have arrived: its answer was lost, or its master. Ask the target before sending again, if it can be asked. */
  readonly unsure: boolean;
  /** What `remember` saved last for a report of the same context, or for an earlier attempt. */
  readonly memory: string | undefined;
  /** Saved when this attempt ends, also if it fails after that. */
  remember(value: string): void;
  /**
   * Delivers a state to a place that reports of several contexts share, unless a later report was there: an earlier state never
   * replaces a later one.
   */
  inOrder(place: string, deliver: () => Promise<void>): Promise<void>;
  /** There is nothing to send: the report ends without one. `why`: a sentence for operators, without its full stop. */
  skip(why: string): void;
  /** The build is shown as this at the target, where users may ask to run it again. Saved if this attempt succeeds. */
  offerRerun(target: string): void;
}

/** What a reporter works with. */
export interface ReporterContext {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Aborts when the reporter must stop: the claim was lost, or the master drains. */
  readonly signal: AbortSignal;
  /** Given: nothing is sent, and what would be sent is shown to it. */
  readonly preview?: ((what: string) => void) | undefined;
  /** The cluster's name and the URL of its pages. */
  readonly cluster: { readonly name: string; readonly url: string };
  /** What must not show in what is sent, beside the secrets of its own options. */
  readonly secrets?: readonly string[];
}

/** Sends reports. Failures are thrown as `ReportFailure`; anything else counts as a failure of the report, not of the target. */
export interface Sender {
  send(report: Report, delivery: Delivery): Promise<void>;
  close?(): Promise<void>;
}

export { type Failure, type Report, ReportFailure };

/** A reporter as the scheduler role uses it. */
export interface ReporterDefinition<Options extends ReporterOptions = ReporterOptions>
  extends PluginDefinition<"reporter"> {
  warnings?(options: Options): readonly ConfigWarning[];
  check?(options: Options): readonly string[] | Promise<readonly string[]>;
  /** What it reports if its options do not say. */
  readonly events: readonly ReportKind[];
  /** What it can report at all; absent: everything. */
  readonly reports?: readonly ReportKind[];
  /** A state replaces the one before it: what is not final is not sent once a later state of its context is known. */
  readonly isState?: boolean;
  /** It reports to a program, which wants everything: failures that a user has muted as well. */
  readonly wantsMuted?: boolean;
  /** Reports of one context arrive in order. Null: it has nothing to say of this event. */
  contextOf(event: ReportedEvent, options: Options): string | null;
  /** Why it has nothing to say of this event, as a sentence. */
  explainNothing?(event: ReportedEvent, options: Options): string | undefined;
  /** Begins to send. */
  open(ctx: ReporterContext, options: Options): Sender | Promise<Sender>;
}

export interface ReporterPlugin<S extends z.ZodType<ReporterOptions>>
  extends Omit<ReporterDefinition<z.output<S>>, "kind" | "options"> {
  readonly options: S;
}

/** Defines a reporter. Each file default-exports the result, which a config calls. */
export function defineReporter<S extends z.ZodType<ReporterOptions>>(
  plugin: ReporterPlugin<S>,
): (options: z.input<S>) => PluginDescriptor<"reporter"> {
  const options = plugin.options.superRefine((given, ctx) => refuseChoice(given, plugin, ctx));
  const definition: ReporterDefinition<z.output<S>> = {
    ...plugin,
    options,
    kind: "reporter",
    // Templates are tried with what is reported if the options do not say.
    ...(plugin.check && {
      check: async (given) => {
        const wrong = (await plugin.check?.({ ...given, events: given.events ?? plugin.events })) ?? [];
        const secrets = secretsOf(given);
        // What a function of the config throws may have any of its secrets.
        return wrong.map((sentence) => describeProblem(sentence, secrets));
      },
    }),
    contextOf: (event, given) => plugin.contextOf(event, containFunctions(given)),
    async open(ctx, given) {
      const sender = await plugin.open(ctx, containFunctions(given));
      const secrets = [...secretsOf(given), ...(ctx.secrets ?? [])];
      return {
        send: (report, delivery) => sender.send(maskReport(report, secrets), delivery),
        close: async () => sender.close?.(),
      };
    },
  };
  return (options) => ({ plugin: definition as unknown as PluginDefinition<"reporter">, options });
}
