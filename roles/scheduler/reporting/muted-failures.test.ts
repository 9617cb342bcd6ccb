import type { PluginDescriptor } from "@multimaster/config";
import { type Result, Results, silentLog } from "@multimaster/core";
import type { ReportedEvent, ReporterDefinition, ReporterOptions } from "@multimaster/plugins";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import httpPush from "@multimaster/plugins/reporters/http-push";
import { sampleFacts } from "@multimaster/plugins/reporters/messages/sample-facts";
import slack from "@multimaster/plugins/reporters/slack";
import { expect, it } from "vitest";
import { askReporter } from "./hand-out.ts";

const facts = sampleFacts().find(({ name }) => name === "a build that failed")?.facts;

function ended(results: Result): ReportedEvent {
  const build = facts?.build as NonNullable<ReportedEvent["build"]>;
  return {
    event: "build-ended",
    at: 1,
    build: { ...build, results, mute: { by: "ann", reason: "known", until: null } },
  };
}

const reports = ({ plugin, options }: PluginDescriptor<"reporter">, results: Result): boolean =>
  askReporter(
    silentLog,
    {
      name: "r",
      plugin: plugin as ReporterDefinition,
      options: (plugin as ReporterDefinition).options.parse(options) as ReporterOptions,
    },
    ended(results),
  ) !== null;

const url = "https://hooks.example.org/x";

it("a muted failure is sent to no person, but to programs and as a state; a build that passes is sent to all", () => {
  const person = slack({ name: "r", url });
  const asked = slack({ name: "r", url, muted: "report" });
  const program = httpPush({ name: "r", url });
  const quiet = httpPush({ name: "r", url, muted: "skip" });
  const state = gitHubStatus({ name: "r", token: "t" });
  const sent = (results: Result) => [person, asked, program, quiet, state].map((each) => reports(each, results));
  expect(sent(Results.FAILURE)).toEqual([false, true, true, false, true]);
  expect(sent(Results.EXCEPTION)).toEqual([false, true, true, false, true]);
  expect(sent(Results.SUCCESS)).toEqual([true, true, true, true, true]);
});
