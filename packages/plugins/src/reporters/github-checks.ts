import { Results } from "@multimaster/core";
import type { ReportedTest } from "@multimaster/data";
import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { commitsOf, describeStatus, forgeShape, nameContext, stateOf, statusContext } from "./forge-shape.ts";
import { gitHubLogin, loginShape, warnOfLogin } from "./github/login.ts";
import { askWith } from "./http/http-shape.ts";
import { markdownMessage } from "./messages/markdown-message.ts";
import { checkTemplate, makeMessage, messageShape, readFacts } from "./messages/message.ts";

const options = z.strictObject({ ...forgeShape, ...loginShape, ...messageShape }).superRefine(warnOfLogin);

const conclusions = {
  running: "neutral",
  success: "success",
  failure: "failure",
  error: "failure",
  cancelled: "cancelled",
};

/** GitHub takes so many annotations at a time. */
const mostAnnotations = 50;

const known = z.object({ id: z.int(), external_id: z.string().nullish() });
const remembered = z.record(z.string(), z.int());

/** Shows a build as a check of its commit at GitHub, with failing tests at their lines. GitHub takes checks from Apps alone. */
export default defineReporter({
  type: "github-checks",
  options,
  events: ["build-started", "build-ended"],
  isState: true,
  contextOf: statusContext,
  check: checkTemplate,
  open(ctx, opts) {
    const { ask, login } = gitHubLogin(askWith(ctx, opts), ctx.clock, opts);
    return {
      async send(report, { unsure, memory, remember }) {
        const { build } = report;
        if (!build) return;
        const isOver = build.results !== null && build.results !== Results.RETRY;
        const facts = await readFacts(report, ctx.cluster.name, opts.logLines);
        const { text } = makeMessage(facts, opts.message ?? markdownMessage);
        const name = nameContext(build, opts.context);
        const externalId = `${ctx.cluster.name}-${build.buildid}`;
        const ids = readMemory(memory);
        for (const { repository, revision } of commitsOf(build, opts)) {
          const base = `${opts.apiUrl}/repos/${repository}`;
          const headers = await login(repository);
          const key = `${repository} ${externalId}`;
          if (ids[key] === undefined && unsure) {
            const query = `check_name=${encodeURIComponent(name)}&filter=all&per_page=100`;
            const { json } = await ask({
              method: "GET",
              url: `${base}/commits/${revision}/check-runs?${query}`,
              headers,
            });
            const runs = z
              .object({ check_runs: z.array(known) })
              .catch({ check_runs: [] })
              .parse(json).check_runs;
            const mine = runs.find(({ external_id: id }) => id === externalId);
            if (mine) ids[key] = mine.id;
          }
          const body = {
            name,
            head_sha: revision,
            external_id: externalId,
            details_url: report.url,
            status: isOver ? "completed" : "in_progress",
            started_at: new Date(build.startedAt * 1000).toISOString(),
            ...(isOver && {
              conclusion: stateOf(build.results, conclusions),
              completed_at: new Date((build.completeAt ?? build.startedAt) * 1000).toISOString(),
            }),
            output: {
              title: describeStatus(report, opts).slice(0, 255),
              summary: text.slice(0, 65_000),
              annotations: facts.failingTests.flatMap(annotate).slice(0, mostAnnotations),
            },
          };
          const id = ids[key];
          // The same check again: it is replaced, and not repeated.
          const url = id === undefined ? `${base}/check-runs` : `${base}/check-runs/${id}`;
          const { json } = await ask({ method: id === undefined ? "POST" : "PATCH", url, headers, body });
          const made = known.safeParse(json);
          if (made.success) ids[key] = made.data.id;
        }
        // Of this build alone: the next one of the commit makes a check of its own.
        remember(JSON.stringify(Object.fromEntries(Object.entries(ids).filter(([key]) => key.endsWith(externalId)))));
      },
    };
  },
});

function readMemory(memory: string | undefined): Record<string, number> {
  if (memory === undefined) return {};
  return remembered.catch({}).parse(JSON.parse(memory));
}

function annotate({ name, path, line, value }: ReportedTest) {
  if (path === null) return [];
  const at = line ?? 1;
  return [
    {
      path,
      start_line: at,
      end_line: at,
      annotation_level: "failure",
      title: name.slice(0, 255),
      message: `${name}: ${value}`,
    },
  ];
}
