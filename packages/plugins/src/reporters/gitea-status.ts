import { z } from "zod";
import { defineReporter, ReportFailure } from "../define-reporter.ts";
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
  url: webUrl.transform((url) => url.replace(/\/$/, "")).describe("URL of Gitea or Forgejo."),
  token: tokenOption.describe("Access token with the right to write repositories."),
});

const states = {
  running: "pending",
  success: "success",
  failure: "failure",
  error: "error",
  cancelled: "error",
};

const known = z.object({ id: z.number(), status: z.string(), context: z.string(), target_url: z.string() });

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
      async send(report, delivery) {
        const { build } = report;
        if (!build) return;
        const context = nameContext(build, opts.context);
        const state = stateOf(build.results, states);
        await reportCommits(build, opts, delivery, async ({ repository, revision }) => {
          const url = `${opts.url}/api/v1/repos/${repository}/statuses/${revision}`;
          if (delivery.unsure) {
            const { json } = await ask({ method: "GET", url: `${url}?sort=recentupdate&limit=50`, headers });
            // Those of one second come in any order.
            const ofContext = z
              .array(known)
              .catch([])
              .parse(json)
              .filter((one) => one.context === context);
            const newest = ofContext.toSorted((a, b) => b.id - a.id)[0];
            if (newest?.status === state && newest.target_url === report.url) return;
          }
          const body = {
            context,
            state,
            target_url: report.url,
            description: describeStatus(report, opts, 255),
          };
          // 500 is also the answer for a commit that it does not have: the others arrive.
          const { status, text } = await ask({ method: "POST", url, headers, body, accept: [500] });
          if (status !== 500) return;
          if (text.includes("object does not exist"))
            throw new ReportFailure(`${new URL(url).host} has no commit ${revision} in ${repository}`, {
              of: "report",
            });
          throw new ReportFailure(`${new URL(url).host} answers 500`, { of: "target", unsure: true });
        });
      },
    };
  },
});
