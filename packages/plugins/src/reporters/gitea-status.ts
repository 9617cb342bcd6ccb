import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import {
  commitsOf,
  describeStatus,
  eventsOfBuilds,
  explainNoCommit,
  forgeShape,
  nameContext,
  stateOf,
  statusContext,
} from "./forge-shape.ts";
import { askWith } from "./http/http-shape.ts";

const options = z.strictObject({
  ...forgeShape,
  url: z
    .url()
    .transform((url) => url.replace(/\/$/, ""))
    .describe("URL of Gitea or Forgejo."),
  token: z.string().min(1).describe("Access token with the right to write repositories."),
});

const states = {
  running: "pending",
  success: "success",
  failure: "failure",
  error: "error",
  cancelled: "error",
};

const known = z.object({ status: z.string(), context: z.string(), target_url: z.string() });

/** Shows at Gitea and Forgejo how a commit's builds do: `POST /api/v1/repos/OWNER/REPO/statuses/SHA`. */
export default defineReporter({
  type: "gitea-status",
  options,
  events: ["build-started", "build-ended"],
  reports: eventsOfBuilds,
  isState: true,
  contextOf: statusContext,
  explainNothing: explainNoCommit,
  open(ctx, opts) {
    const ask = askWith(ctx, opts);
    const headers = { authorization: `token ${opts.token}` };
    return {
      async send(report, { unsure }) {
        const { build } = report;
        if (!build) return;
        const context = nameContext(build, opts.context);
        const state = stateOf(build.results, states);
        for (const { repository, revision } of commitsOf(build, opts)) {
          const url = `${opts.url}/api/v1/repos/${repository}/statuses/${revision}`;
          if (unsure) {
            const { json } = await ask({ method: "GET", url: `${url}?sort=recentupdate&limit=50`, headers });
            const newest = z
              .array(known)
              .catch([])
              .parse(json)
              .find((one) => one.context === context);
            if (newest?.status === state && newest.target_url === report.url) continue;
          }
          const body = {
            context,
            state,
            target_url: report.url,
            description: describeStatus(report, opts, 255),
          };
          await ask({ method: "POST", url, headers, body });
        }
      },
    };
  },
});
