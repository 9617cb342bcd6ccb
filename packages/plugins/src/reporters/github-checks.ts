import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { deliverEach } from "./deliver-each.ts";
import {
  commitsOf,
  describeStatus,
  eventsOfBuilds,
  explainNoCommit,
  type ForgeCommit,
  forgeShape,
  nameCommit,
  nameContext,
  reportInOrder,
  stateOf,
  statusContext,
} from "./forge-shape.ts";
import { gitHubLogin, loginSecrets, loginShape, warnOfLogin } from "./github/login.ts";
import { checkTarget, rerunAction } from "./github/reruns.ts";
import { listAnnotations } from "./messages/annotations.ts";
import { cutText } from "./messages/cut-text.ts";
import { markdownMessage } from "./messages/markdown-message.ts";
import { checkTemplate, makeFittingMessage, maskSecrets, messageShape, readFacts } from "./messages/message.ts";
import type { Message } from "./messages/message-facts.ts";

const options = z
  .strictObject({
    ...forgeShape,
    ...loginShape,
    ...messageShape,
    rerunButton: z
      .boolean()
      .default(true)
      .describe("Whether a check that has ended has a button that runs it again; the hook `github` carries it out."),
  })
  .superRefine(warnOfLogin);

const conclusions = {
  running: "neutral",
  success: "success",
  failure: "failure",
  error: "failure",
  cancelled: "cancelled",
};

/** GitHub takes 65,535 characters. */
const longest = 65_000;
const fits = ({ text }: Message) => text.length <= longest;

const known = z.object({ id: z.int(), external_id: z.string().nullish() });
const ended = z.object({ status: z.literal("completed") });
const remembered = z.record(z.string(), z.int());

/** Shows a build as a check of its commit at GitHub, with failing tests at their lines. GitHub takes checks from Apps alone. */
export default defineReporter({
  type: "github-checks",
  options,
  events: ["build-started", "build-ended"],
  reports: eventsOfBuilds,
  isState: true,
  contextOf: statusContext,
  explainNothing: explainNoCommit,
  check: checkTemplate,
  warnings: ({ token }) =>
    token === undefined
      ? []
      : [
          {
            path: ["token"],
            sentence: "GitHub takes checks from Apps alone: the token must be one of an App's installation",
          },
        ],
  open(ctx, opts) {
    const { ask, login } = gitHubLogin(ctx, opts);
    return {
      async send(report, delivery) {
        const { id, unsure, memory, remember, offerRerun } = delivery;
        const { build } = report;
        if (!build) return;
        const isOver = build.results !== null && build.results !== Results.RETRY;
        const facts = await readFacts(report, ctx.cluster.name, opts.logLines);
        const secrets = loginSecrets(opts);
        const annotations = isOver ? await listAnnotations(report, facts, secrets) : [];
        const { message } = makeFittingMessage(facts, opts.message ?? markdownMessage, secrets, fits);
        const name = nameContext(build, opts.context);
        const externalId = `${ctx.cluster.name}-${build.buildid}`;
        const commits = commitsOf(build, opts);
        const ids = readMemory(memory);
        // Numbers, like the ids of checks: a master of the release before reads them.
        const doneKey = (commit: string) => `${id} ${commit}`;
        const progress = {
          keyOf: nameCommit,
          done: commits.map(nameCommit).filter((commit) => ids[doneKey(commit)] !== undefined),
          // This check is not made, and its annotations are not added, a second time.
          save: (done: readonly string[]) =>
            remember(
              JSON.stringify({
                ...idsOf(ids, externalId),
                ...Object.fromEntries(done.map((commit) => [doneKey(commit), 1])),
              }),
            ),
        };
        if (isOver) for (const commit of commits) offerRerun(checkTarget(commit.repository, commit.revision));
        await deliverEach(commits, progress, async (commit) => {
          const { repository, revision } = commit;
          const base = `${opts.apiUrl}/repos/${repository}`;
          const headers = await login(repository);
          const key = `${nameCheck(commit, commits)} ${externalId}`;
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
              title: maskSecrets(describeStatus(report, opts, 255), secrets),
              summary: cutText(message.text, longest),
              annotations,
            },
            ...(isOver && opts.rerunButton && { actions: [rerunAction] }),
          };
          const check = ids[key];
          // GitHub appends annotations: those of an attempt whose answer was lost must not come twice.
          if (check !== undefined && unsure && isOver) {
            const { json } = await ask({ method: "GET", url: `${base}/check-runs/${check}`, headers });
            if (ended.safeParse(json).success) return;
          }
          const write = async (method: "POST" | "PATCH", url: string) => {
            const made = known.safeParse((await ask({ method, url, headers, body })).json);
            if (made.success) ids[key] = made.data.id;
          };
          // The same check again: it is replaced, and not repeated. Of all checks of a name, GitHub shows the one made last.
          if (check !== undefined) await write("PATCH", `${base}/check-runs/${check}`);
          else await reportInOrder(build, opts, commit, delivery, () => write("POST", `${base}/check-runs`));
        });
      },
    };
  },
});

/** The name of a commit's check within its build: the repository. A further commit of the same repository also has its revision. */
const nameCheck = (commit: ForgeCommit, commits: readonly ForgeCommit[]): string =>
  commits.find(({ repository }) => repository === commit.repository)?.revision === commit.revision
    ? commit.repository
    : nameCommit(commit);

/** Of this build alone: the next one of the commit makes a check of its own. */
const idsOf = (ids: Readonly<Record<string, number>>, externalId: string): Record<string, number> =>
  Object.fromEntries(Object.entries(ids).filter(([key]) => key.endsWith(` ${externalId}`)));

function readMemory(memory: string | undefined): Record<string, number> {
  if (memory === undefined) return {};
  return remembered.catch({}).parse(JSON.parse(memory));
}
