import { changeSources, otherSources } from "./classes/change-sources.ts";
import { reporters } from "./classes/reporters.ts";
import { schedulers } from "./classes/schedulers.ts";
import type { BuildbotDocument, Part } from "./document.ts";
import { translateParts } from "./parts.ts";
import type { Scope } from "./scope.ts";
import { type Code, type Entry, literal, object } from "./source-file.ts";
import { isJanitors } from "./write-builders.ts";

/** Change sources, schedulers, reporters and retention. */
export function schedulingSlice(document: BuildbotDocument, scope: Scope): Code {
  const sources = translateParts(
    document.changeSources,
    {
      noun: "change source",
      mappings: changeSources,
      instead: (base) => otherSources[base] ?? "write one: docs/extending.md#a-change-source",
    },
    scope,
  );
  const planned = translateParts(
    document.schedulers.filter((part) => part.is === "unknown" || !isJanitors(part.args["name"])),
    { noun: "scheduler", mappings: schedulers, instead: () => "write one: docs/extending.md#a-scheduler" },
    scope,
  );
  const services = translateParts(
    document.services,
    {
      noun: "service",
      mappings: reporters,
      instead: () => "see docs/reporters.md for what there is, also for one of your own",
      named: true,
    },
    scope,
  );
  const isScheduler = ({ to }: { to: string }) => to.startsWith("schedulers/");
  const all = [...planned, ...services.filter(isScheduler)];
  const reporting = services.filter((service) => !isScheduler(service));
  const retention = retentionOf(document.configurators, scope);
  const list = (parts: readonly { code: Code }[]): Code => ({ list: parts.map(({ code }) => code) });
  return {
    call: scope.file.named("defineScheduling"),
    args: [
      object([
        ["changeSources", list(sources)],
        ["schedulers", list(all)],
        reporting.length === 0 ? undefined : ["reporters", list(reporting)],
        retention,
      ]),
    ],
  };
}

/** Buildbot's janitor removes logs and data of builds after some time. */
function retentionOf(configurators: readonly Part[], scope: Scope): Entry | undefined {
  const rules = configurators.flatMap((part): Code[] => {
    const inner = scope.begin(`configurator ${part.class}`, part.is === "object" ? part.at : undefined);
    if (part.is === "unknown" || part.base !== "JanitorConfigurator") {
      inner.todo("it is not translated; what it adds to the configuration is", "compare the result with what it does");
      return [];
    }
    const { logHorizon, build_data_horizon: data } = part.args;
    if (typeof data === "number")
      inner.todo("data of builds is not removed by itself", "write a rule that deletes builds");
    if (typeof logHorizon !== "number") return [];
    return [
      object([
        ["name", literal("logs")],
        ["delete", literal("logs")],
        ["olderThan", literal(logHorizon)],
      ]),
    ];
  });
  return rules.length === 0 ? undefined : ["retention", object([["rules", { list: rules }]])];
}
