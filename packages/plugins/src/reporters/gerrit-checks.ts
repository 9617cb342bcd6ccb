import { type Result, Results } from "@multimaster/core";
import type { ReportedBuild } from "@multimaster/data";
import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { describeStatus, eventsOfBuilds, stateOf, type TextOfBuild, textOfBuild } from "./forge-shape.ts";
import { gerritHeaders, gerritShape, patchSetOf, patchSetUrl } from "./gerrit/patch-set.ts";
import { askWith } from "./http/http-shape.ts";
import { wrongValue } from "./returned-value.ts";

/** A scheme and an id, as Gerrit takes them: no part of a URL needs to be escaped. */
const uuid = /^(?![.-])[\w.-]{1,100}(?<!\.):[\w.-]+$/;
const uuidRule = 'must be scheme:id, of letters, digits, ".", "_" and "-", such as "multimaster:{builder}"';
const isUuid = (checker: string | TextOfBuild) =>
  typeof checker === "function" || uuid.test(checker.replaceAll("{builder}", "b"));

const options = z.strictObject({
  ...gerritShape,
  checker: textOfBuild
    .refine(isUuid, uuidRule)
    .default("multimaster:{builder}")
    .describe(
      "The UUID of the checker, `scheme:id`; {builder} is the builder's name, with - for what a UUID must not have. Or a function of the build. Gerrit must have it, for the repository of the change.",
    ),
});

function checkerOf(build: ReportedBuild, checker: string | TextOfBuild): string {
  if (typeof checker === "function") {
    const given: unknown = checker(build);
    if (typeof given !== "string" || !uuid.test(given))
      throw wrongValue("checker", "scheme:id, of letters, digits and . _ -", given);
    return given;
  }
  return checker.replaceAll("{builder}", build.builder.replaceAll(/[^\w.-]+/g, "-"));
}

const states = {
  running: "RUNNING",
  success: "SUCCESSFUL",
  failure: "FAILED",
  error: "FAILED",
  cancelled: "FAILED",
};

function checkState(results: Result | null): string {
  if (results === Results.RETRY) return "SCHEDULED";
  return results === Results.SKIPPED ? "NOT_RELEVANT" : stateOf(results, states);
}

/** `2019-01-31 09:59:32.126000000`, in UTC. */
const timestamp = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().replace("T", " ").replace("Z", "")}000000`;

/** Gerrit calls it short. */
const longestMessage = 1000;
/** Saved when a check has ended: the next build of the patch set begins with an empty one. */
const ended = "ended";

/** Shows a build as a check of its patch set, by Gerrit's plugin `checks`: `POST /a/changes/CHANGE/revisions/REVISION/checks/`. */
export default defineReporter({
  type: "gerrit-checks",
  options,
  events: ["build-started", "build-ended"],
  reports: eventsOfBuilds,
  isState: true,
  contextOf({ build }, { checker }) {
    const about = build && patchSetOf(build);
    return about ? `${checkerOf(build, checker)} of ${about.change}/${about.revision}` : null;
  },
  open(ctx, opts) {
    const ask = askWith(ctx, opts);
    const headers = gerritHeaders(opts);
    return {
      async send(report, { memory, remember }) {
        const { build } = report;
        const about = build && patchSetOf(build);
        if (!about) return;
        const checker = checkerOf(build, opts.checker);
        if (!uuid.test(checker)) throw new Error(`the checker "${checker}" ${uuidRule}`);
        const checks = `${patchSetUrl(opts, about)}/checks`;
        const isOver = build.results !== null && build.results !== Results.RETRY;
        // An update leaves what it does not name: the end of the build before would stay.
        if (!isOver && memory === ended)
          await ask({ method: "POST", url: `${checks}/${checker}/rerun`, headers, accept: [404] });
        const body = {
          checker_uuid: checker,
          state: checkState(build.results),
          message: describeStatus(report, {}, longestMessage),
          url: report.url,
          started: timestamp(build.startedAt),
          ...(isOver && { finished: timestamp(build.completeAt ?? build.startedAt) }),
        };
        // A check is one of its checker: the same again replaces it.
        await ask({ method: "POST", url: `${checks}/`, headers, body });
        remember(isOver ? ended : "runs");
      },
    };
  },
});
