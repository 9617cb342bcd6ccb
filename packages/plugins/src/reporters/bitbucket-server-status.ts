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

const options = z.strictObject({
  ...forgeShape,
  url: webUrl.transform((url) => url.replace(/\/$/, "")).describe("URL of Bitbucket Data Center."),
  token: tokenOption.describe("HTTP access token with the right to read the repository."),
});

/** Shows at Bitbucket Data Center how a commit's builds do: `POST /rest/api/latest/projects/KEY/repos/SLUG/commits/SHA/builds`. */
export default defineReporter({
  type: "bitbucket-server-status",
  options,
  events: ["build-started", "build-ended"],
  reports: eventsOfBuilds,
  isState: true,
  contextOf: statusContext,
  explainNothing: explainNoCommit,
  open(ctx, opts) {
    const ask = askWith(ctx, opts);
    const headers = { authorization: `Bearer ${opts.token}`, "x-atlassian-token": "no-check" };
    return {
      async send(report, delivery) {
        const { build } = report;
        if (!build) return;
        const name = nameContext(build, opts.context);
        await reportCommits(build, opts, delivery, async ({ repository, revision, source }) => {
          // "scm/KEY/slug" over HTTP, "KEY/slug" over SSH.
          const [key, slug] = repository
            .replace(/^scm\//, "")
            .split("/")
            .slice(-2) as [string, string];
          const body = {
            key: bitbucketKey(name, 255),
            state: stateOf(build.results, { ...bitbucketStates, cancelled: "CANCELLED" }),
            name,
            url: report.url,
            description: describeStatus(report, opts, 255),
            buildNumber: String(build.number).slice(0, 255),
            ...(source.branch !== null && { ref: `refs/heads/${source.branch.replace(/^refs\/heads\//, "")}` }),
            ...(build.completeAt !== null && { duration: Math.round((build.completeAt - build.startedAt) * 1000) }),
          };
          const path = `projects/${encodeURIComponent(key)}/repos/${encodeURIComponent(slug)}/commits/${revision}/builds`;
          await ask({ method: "POST", url: `${opts.url}/rest/api/latest/${path}`, headers, body });
        });
      },
    };
  },
});
