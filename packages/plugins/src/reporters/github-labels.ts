import { functionOf } from "@multimaster/config";
import { Results } from "@multimaster/core";
import type { ReportedBuild } from "@multimaster/data";
import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { eventsOfBuilds } from "./forge-shape.ts";
import { gitHubLogin, loginShape, warnOfLogin } from "./github/login.ts";
import { pullRequestOf } from "./github/pull-request.ts";
import { httpShape } from "./http/http-shape.ts";
import { reporterShape } from "./reporter-options.ts";
import { wrongValue } from "./returned-value.ts";

const label = z.string().min(1).max(50);

const options = z
  .strictObject({
    ...reporterShape,
    ...httpShape,
    ...loginShape,
    labels: z
      .strictObject({
        running: label.optional().describe("While a build runs."),
        passed: label.optional().describe("The last build passed, maybe with warnings."),
        failed: label.optional().describe("It failed, or its end is an exception."),
        cancelled: label.optional().describe("It was cancelled."),
      })
      .describe(
        "The label of each state; a pull request has one of them at a time. Give each builder that reports a reporter with labels of its own.",
      ),
    more: functionOf<(build: ReportedBuild) => readonly string[]>(
      "a function of the build that returns a list of labels",
    )
      .optional()
      .describe("Labels that are added when a build ends, and never removed."),
  })
  .superRefine(({ labels }, ctx) => {
    const given = Object.values(labels).map((name) => name.toLowerCase());
    if (given.length === 0) ctx.addIssue({ code: "custom", path: ["labels"], message: "must have at least one label" });
    if (new Set(given).size < given.length)
      ctx.addIssue({ code: "custom", path: ["labels"], message: "must be different: a label stands for one state" });
  })
  .superRefine(warnOfLogin);

type Labels = z.output<typeof options>["labels"];

/** A pull request has at most 100 labels at GitHub. */
const mostLabels = 100;
const named = z.array(z.object({ name: z.string() }));

function stateOf({ results }: ReportedBuild): keyof Labels | undefined {
  if (results === null || results === Results.RETRY) return "running";
  if (results === Results.SUCCESS || results === Results.WARNINGS) return "passed";
  if (results === Results.FAILURE || results === Results.EXCEPTION) return "failed";
  return results === Results.CANCELLED ? "cancelled" : undefined;
}

/** Labels a pull request with how its last build does. Labels of others stay. */
export default defineReporter({
  type: "github-labels",
  options,
  events: ["build-ended"],
  reports: eventsOfBuilds,
  isState: true,
  contextOf(event) {
    const found = pullRequestOf(event);
    return found ? `${found.repository}#${found.number}` : null;
  },
  open(ctx, opts) {
    const { login, ask } = gitHubLogin(ctx, opts);
    return {
      async send(report) {
        const { build } = report;
        const found = pullRequestOf(report);
        if (!build || !found) return;
        const headers = await login(found.repository);
        const url = `${opts.apiUrl}/repos/${found.repository}/issues/${found.number}/labels`;
        const state = stateOf(build);
        const now = state && opts.labels[state];
        const more = build.results === null ? [] : (opts.more?.(build) ?? []);
        if (!z.array(label).safeParse(more).success)
          throw wrongValue("more", "a list of labels, each of 1 to 50 characters", more);
        const wanted = [...(now === undefined ? [] : [now]), ...more];
        const { json } = await ask({ method: "GET", url: `${url}?per_page=${mostLabels}`, headers });
        const has = named
          .catch([])
          .parse(json)
          .map(({ name }) => name.toLowerCase());
        const isThere = (name: string) => has.includes(name.toLowerCase());
        // Added before others are removed: a reader that waits for one of them always finds one.
        const missing = wanted.filter((name) => !isThere(name));
        if (missing.length > 0) await ask({ method: "POST", url, headers, body: { labels: missing } });
        for (const other of Object.values(opts.labels))
          if (other !== now && isThere(other))
            await ask({ method: "DELETE", url: `${url}/${encodeURIComponent(other)}`, headers, accept: [404] });
      },
    };
  },
});
