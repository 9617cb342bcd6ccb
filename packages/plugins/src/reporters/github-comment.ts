import { z } from "zod";
import { defineReporter, type Report } from "../define-reporter.ts";
import { eventsOfBuilds } from "./forge-shape.ts";
import { gitHubLogin, loginSecrets, loginShape, warnOfLogin } from "./github/login.ts";
import { pullRequestOf } from "./github/pull-request.ts";
import { httpShape } from "./http/http-shape.ts";
import { cutText } from "./messages/cut-text.ts";
import { markdownMessage } from "./messages/markdown-message.ts";
import { checkTemplate, makeFittingMessage, messageShape, readFacts } from "./messages/message.ts";
import type { Message } from "./messages/message-facts.ts";
import { reporterShape } from "./reporter-options.ts";

const options = z
  .strictObject({ ...reporterShape, ...httpShape, ...messageShape, ...loginShape })
  .superRefine(warnOfLogin);

const clockSpareS = 600;

/** GitHub takes 65,536 characters; the mark before the text is short. */
const longest = 65_000;
const fits = ({ text }: Message) => text.length <= longest - 1000;

const comment = z.object({ id: z.int(), body: z.string().nullish() });

/** A comment on the pull request for each builder, edited by each later build instead of repeated. */
export default defineReporter({
  type: "github-comment",
  options,
  events: ["build-ended"],
  reports: eventsOfBuilds,
  isState: true,
  contextOf(event) {
    const found = pullRequestOf(event);
    return found ? `${found.repository}#${found.number} ${event.build?.builder}` : null;
  },
  check: checkTemplate,
  open(ctx, opts) {
    const { ask, login } = gitHubLogin(ctx, opts);
    return {
      async send(report: Report, { unsure, memory, remember }) {
        const found = pullRequestOf(report);
        if (!found) return;
        const base = `${opts.apiUrl}/repos/${found.repository}/issues`;
        const headers = await login(found.repository);
        const facts = await readFacts(report, ctx.cluster.name, opts.logLines);
        const { message } = makeFittingMessage(facts, opts.message ?? markdownMessage, loginSecrets(opts), fits);
        // Not shown; by it the comment is found again.
        const mark = `<!-- ${ctx.cluster.name} ${encodeURIComponent(report.build?.builder ?? "")} -->`;
        const body = { body: cutText(`${mark}\n${message.text}`, longest) };
        let id = memory;
        if (id === undefined && unsure) {
          // Oldest first: what the earlier attempt wrote is among those since the build ended, by a clock that may differ.
          const since = new Date((report.at - clockSpareS) * 1000).toISOString();
          const url = `${base}/${found.number}/comments?per_page=100&since=${since}`;
          const { json } = await ask({ method: "GET", url, headers });
          const known = z.array(comment).catch([]).parse(json);
          id = known.find((one) => one.body?.startsWith(mark))?.id.toString();
        }
        const edited =
          id !== undefined &&
          (await ask({ method: "PATCH", url: `${base}/comments/${id}`, headers, body, accept: [404] }));
        if (edited && edited.status !== 404) return remember(String(id));
        // There was none, or someone has deleted it.
        const { json } = await ask({ method: "POST", url: `${base}/${found.number}/comments`, headers, body });
        const made = comment.safeParse(json);
        if (made.success) remember(String(made.data.id));
      },
    };
  },
});
