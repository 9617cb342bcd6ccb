import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { tokenOption, webUrl } from "../web-options.ts";
import { bitbucketKey, bitbucketStates } from "./bitbucket/build-status.ts";
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

const options = z
  .strictObject({
    ...forgeShape,
    apiUrl: webUrl
      .default("https://api.bitbucket.org/2.0")
      .transform((url) => url.replace(/\/$/, ""))
      .describe("URL of the API."),
    token: tokenOption.optional().describe("Access token of a repository, project or workspace."),
    user: z.string().min(1).optional().describe("User, with the app password `password`, instead of a token."),
    password: z.string().min(1).optional().describe("App password or API token of `user`."),
  })
  .refine(({ token, user, password }) => (token !== undefined) !== (user !== undefined && password !== undefined), {
    path: ["token"],
    message: "either a token, or user and password, is needed",
  });

/** Shows at Bitbucket Cloud how a commit's builds do. The key makes a second attempt replace the first. */
export default defineReporter({
  type: "bitbucket-cloud-status",
  options,
  events: ["build-started", "build-ended"],
  reports: eventsOfBuilds,
  isState: true,
  contextOf: statusContext,
  explainNothing: explainNoCommit,
  open(ctx, opts) {
    const ask = askWith(ctx, opts);
    const basic = () => `Basic ${Buffer.from(`${opts.user}:${opts.password}`).toString("base64")}`;
    const headers = { authorization: opts.token === undefined ? basic() : `Bearer ${opts.token}` };
    return {
      async send(report, delivery) {
        const { build } = report;
        if (!build) return;
        const name = nameContext(build, opts.context);
        await reportCommits(build, opts, delivery, async ({ repository, revision }) => {
          const body = {
            key: bitbucketKey(name, 40),
            state: stateOf(build.results, { ...bitbucketStates, cancelled: "STOPPED" }),
            name,
            url: report.url,
            description: describeStatus(report, opts, 255),
          };
          const url = `${opts.apiUrl}/repositories/${repository}/commit/${revision}/statuses/build`;
          await ask({ method: "POST", url, headers, body });
        });
      },
    };
  },
});
