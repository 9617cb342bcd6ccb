import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
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
import { gitHubLogin, loginShape, warnOfLogin } from "./github/login.ts";

const options = z.strictObject({ ...forgeShape, ...loginShape }).superRefine(warnOfLogin);

const states = { running: "pending", success: "success", failure: "failure", error: "error", cancelled: "error" };

const status = z.object({
  state: z.string(),
  context: z.string(),
  target_url: z.string().nullish(),
  description: z.string().nullish(),
});

/** Shows at GitHub how a commit's builds do: `POST /repos/OWNER/REPO/statuses/SHA`. */
export default defineReporter({
  type: "github-status",
  options,
  events: ["build-started", "build-ended"],
  reports: eventsOfBuilds,
  isState: true,
  contextOf: statusContext,
  explainNothing: explainNoCommit,
  open(ctx, opts) {
    const { ask, login } = gitHubLogin(ctx, opts);
    return {
      async send(report, delivery) {
        const { build } = report;
        if (!build) return;
        const body = {
          state: stateOf(build.results, states),
          context: nameContext(build, opts.context),
          target_url: report.url,
          description: describeStatus(report, opts, 140),
        };
        await reportCommits(build, opts, delivery, async ({ repository, revision }) => {
          const base = `${opts.apiUrl}/repos/${repository}`;
          const headers = await login(repository);
          if (delivery.unsure) {
            const url = `${base}/commits/${revision}/statuses?per_page=100`;
            const { json } = await ask({ method: "GET", url, headers });
            const known = z.array(status).catch([]).parse(json);
            // The newest of the context is what people see.
            const newest = known.find(({ context }) => context === body.context);
            if (newest && newest.state === body.state && newest.target_url === body.target_url) return;
          }
          await ask({ method: "POST", url: `${base}/statuses/${revision}`, headers, body });
        });
      },
    };
  },
});
