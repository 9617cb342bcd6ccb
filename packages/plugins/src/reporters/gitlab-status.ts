import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { tokenOption, webUrl } from "../web-options.ts";
import {
  describeStatus,
  eventsOfBuilds,
  explainNoCommit,
  forgeShape,
  nameContext,
  reportCommits,
  stateOf,
  statusContext,
} from "./forge-shape.ts";
import { askWith } from "./http/http-shape.ts";

const options = z.strictObject({
  ...forgeShape,
  url: webUrl
    .default("https://gitlab.com")
    .transform((url) => url.replace(/\/$/, ""))
    .describe("URL of GitLab."),
  token: tokenOption.describe("Access token with the scope api."),
});

const states = {
  running: "running",
  success: "success",
  failure: "failed",
  error: "failed",
  cancelled: "canceled",
};

const known = z.object({ status: z.string(), name: z.string(), target_url: z.string().nullish() });

/** Shows at GitLab how a commit's builds do: `POST /api/v4/projects/PROJECT/statuses/SHA`. */
export default defineReporter({
  type: "gitlab-status",
  options,
  events: ["build-started", "build-ended"],
  reports: eventsOfBuilds,
  isState: true,
  contextOf: statusContext,
  explainNothing: explainNoCommit,
  open(ctx, opts) {
    const ask = askWith(ctx, opts);
    const headers = { "private-token": opts.token };
    return {
      async send(report, delivery) {
        const { build } = report;
        if (!build) return;
        const name = nameContext(build, opts.context);
        const state = stateOf(build.results, states);
        await reportCommits(build, opts, delivery, async ({ repository, revision, source }) => {
          const base = `${opts.url}/api/v4/projects/${encodeURIComponent(repository)}`;
          if (delivery.unsure) {
            const url = `${base}/repository/commits/${revision}/statuses?name=${encodeURIComponent(name)}&per_page=100`;
            const { json } = await ask({ method: "GET", url, headers });
            const all = z.array(known).catch([]).parse(json);
            if (all.some((one) => one.name === name && one.status === state && one.target_url === report.url)) return;
          }
          const body = {
            state,
            name,
            ref: source.branch ?? undefined,
            target_url: report.url,
            description: describeStatus(report, opts, 255),
          };
          const url = `${base}/statuses/${revision}`;
          // 400: the status has this state already ("Cannot transition status"), which an attempt before may have set.
          const { status, json } = await ask({ method: "POST", url, headers, body, accept: [400] });
          if (status === 400 && !JSON.stringify(json ?? "").includes("Cannot transition"))
            await ask({ method: "POST", url, headers, body });
        });
      },
    };
  },
});
