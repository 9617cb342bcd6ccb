import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import type { ReportedEvent } from "../reported-event.ts";
import { tokenOption, webUrl } from "../web-options.ts";
import { eventsOfBuilds, repositoryPath } from "./forge-shape.ts";
import { askWith, httpShape } from "./http/http-shape.ts";
import { cutText } from "./messages/cut-text.ts";
import { markdownMessage } from "./messages/markdown-message.ts";
import { checkTemplate, makeMessage, messageShape, readFacts } from "./messages/message.ts";
import { reporterShape } from "./reporter-options.ts";

const options = z.strictObject({
  ...reporterShape,
  ...httpShape,
  ...messageShape,
  url: webUrl
    .default("https://gitlab.com")
    .transform((url) => url.replace(/\/$/, ""))
    .describe("URL of GitLab."),
  token: tokenOption.describe("Access token with the scope api."),
});

const note = z.object({ id: z.int(), body: z.string().nullish() });

/** GitLab refuses longer comments. */
const longest = 900_000;

/** The merge request that a build is about, in the project that it is to be merged into; no step chooses it. */
function mergeRequestOf({ build }: ReportedEvent): { project: string; number: string } | undefined {
  for (const { branch, repository } of build?.sources ?? []) {
    const given = build?.requestProperties["pullrequest_number"];
    const number = /^refs\/merge-requests\/(\d+)\//.exec(branch ?? "")?.[1] ?? /^\d+$/.exec(String(given))?.[0];
    const project = repositoryPath(repository);
    if (number !== undefined && project !== undefined) return { project, number };
  }
  return undefined;
}

/** A comment on the merge request for each builder, edited by each later build instead of repeated. */
export default defineReporter({
  type: "gitlab-comment",
  options,
  events: ["build-ended"],
  reports: eventsOfBuilds,
  isState: true,
  contextOf(event) {
    const found = mergeRequestOf(event);
    return found ? `${found.project}!${found.number} ${event.build?.builder}` : null;
  },
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts);
    const headers = { "private-token": opts.token };
    return {
      async send(report, { unsure, memory, remember }) {
        const found = mergeRequestOf(report);
        if (!found) return;
        const url = `${opts.url}/api/v4/projects/${encodeURIComponent(found.project)}/merge_requests/${found.number}/notes`;
        const facts = await readFacts(report, ctx.cluster.name, opts.logLines);
        const { text } = makeMessage(facts, opts.message ?? markdownMessage, [opts.token]);
        // Not shown; by it the comment is found again.
        const mark = `<!-- ${ctx.cluster.name} ${encodeURIComponent(report.build?.builder ?? "")} -->`;
        const body = { body: cutText(`${mark}\n${text}`, longest) };
        let id = memory;
        if (id === undefined && unsure) {
          const { json } = await ask({
            method: "GET",
            url: `${url}?per_page=100&order_by=updated_at&sort=desc`,
            headers,
          });
          const known = z.array(note).catch([]).parse(json);
          id = known.find((one) => one.body?.startsWith(mark))?.id.toString();
        }
        const edited =
          id !== undefined && (await ask({ method: "PUT", url: `${url}/${id}`, headers, body, accept: [404] }));
        if (edited && edited.status !== 404) return remember(String(id));
        // There was none, or someone has deleted it.
        const { json } = await ask({ method: "POST", url, headers, body });
        const made = note.safeParse(json);
        if (made.success) remember(String(made.data.id));
      },
    };
  },
});
