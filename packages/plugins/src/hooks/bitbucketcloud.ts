import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import { flag, optionalPart, parsePayload, perhaps, readPayload, readRef, text, timeOf } from "../hook-payload.ts";
import { isElsewhere, pullRequestProperties } from "../hook-pull-request.ts";
import { checkHmac } from "../hook-signature.ts";
import { warnOfForge, warnOfRef } from "../hook-warnings.ts";

const options = hookOptions({
  ...forgeShape,
  pullRequestEvents: z
    .array(z.enum(["created", "updated", "fulfilled", "rejected"]))
    .default(["created", "updated"])
    .describe("Events of a pull request that are changes; fulfilled is merged, rejected is declined."),
  pullRequestRef: z
    .enum(["from", "source"])
    .optional()
    .describe(
      "Branch of a pull request's change: refs/pull-requests/N/from (absent: this), which is only a name; or source, its own branch, unless that is in a fork.",
    ),
  fullRefs: z.boolean().default(false).describe('Names branches as Buildbot does for this forge: "refs/heads/main".'),
});

type Options = z.output<typeof options>;
type Event = Options["pullRequestEvents"][number];

// Strict only about required data: invalid optional data is ignored.
const html = z.object({ html: z.object({ href: z.string() }) });
const actor = perhaps(z.object({ display_name: text, nickname: text }));
const repository = z.object({ full_name: text, project: perhaps(z.object({ name: text })), links: html });

const target = z.object({
  hash: z.string(),
  message: text,
  date: text,
  author: perhaps(z.object({ raw: text })),
});
const pushed = z.object({
  new: optionalPart(z.object({ type: text, name: z.string(), target })),
  old: perhaps(z.object({ name: text })),
});
const push = z.object({ actor, repository, push: z.object({ changes: z.array(pushed) }) });

const branch = z.object({ name: z.string() });
const source = perhaps(
  z.object({
    branch: perhaps(branch),
    commit: perhaps(z.object({ hash: z.string() })),
    repository: perhaps(z.object({ full_name: text, links: perhaps(html) })),
  }),
);
const pullRequest = z.object({
  actor,
  repository,
  pullrequest: z.object({
    id: z.int(),
    title: text,
    description: text,
    draft: flag,
    author: actor,
    updated_on: text,
    source,
    destination: z.object({ branch }),
    links: perhaps(html),
  }),
});

/** Pushes, tags and pull requests of Bitbucket Cloud. */
export default defineHook({
  type: "bitbucketcloud",
  options,
  warnings: (options) => [
    ...warnOfForge(options),
    ...warnOfRef(options, "refs/pull-requests/N/from", "source", "from"),
  ],
  authenticate: (options) =>
    checkHmac(options, [{ header: "X-Hub-Signature", algorithm: "sha256", prefix: "sha256=" }]),
  signsBody: true,
  delivery: ({ headers }) => headers["x-request-uuid"],
  parse(request, options) {
    const key = request.headers["x-event-key"] ?? "";
    const payload = readPayload(request);
    if (key === "repo:push") return parsePush(payload, options);
    const [noun, event = ""] = key.split(":");
    if (noun !== "pullrequest") return { ignored: key === "" ? "no X-Event-Key" : `event ${key}` };
    if (!options.pullRequestEvents.includes(event as Event)) return { ignored: `pull request ${event}` };
    return parsePullRequest(payload, event as Event, options);
  },
});

/** One push may move several branches; each of them is filtered separately. */
function parsePush(payload: Payload, options: Options): HookAnswer {
  const { actor, repository, push: moved } = parsePayload(push, payload, "repo:push");
  const html = repository.links.html.href;
  const answers = moved.changes.map(({ new: place, old }): HookAnswer => {
    if (!place) return { ignored: `${old?.name ?? "a branch"} was deleted` };
    const { hash, message, date, author } = place.target;
    const ref = `refs/${place.type === "tag" ? "tags" : "heads"}/${place.name}`;
    const change: NewChange = {
      author: author?.raw || nameOf(actor),
      comments: message ?? `Bitbucket Cloud commit ${hash}`,
      branch: options.fullRefs ? ref : (readRef(ref)?.name ?? ref),
      revision: hash,
      revlink: `${html}/commits/${hash}`,
      repository: html,
      project: projectOf(repository),
      category: "push",
      properties: { event: "repo:push" },
      ...timeOf(date),
    };
    const kind = place.type === "tag" ? "tag" : "push";
    return applyOptions({ changes: [change], kind, branch: place.name, headline: message ?? "" }, payload, options);
  });
  const changes = answers.flatMap((answer) => ("changes" in answer ? answer.changes : []));
  const ignored = answers.flatMap((answer) => ("ignored" in answer ? answer.ignored : []));
  return changes.length > 0 ? { changes } : { ignored: ignored.join(", ") || "a push of nothing" };
}

function parsePullRequest(payload: Payload, event: Event, options: Options): HookAnswer {
  const { actor, repository, pullrequest: pull } = parsePayload(pullRequest, payload, `pullrequest:${event}`);
  const { source, destination } = pull;
  const url = pull.links?.html.href ?? "";
  const html = repository.links.html.href;
  const title = pull.title ?? "";
  const head = source?.commit?.hash;
  const sourceBranch = source?.branch?.name;
  const toRef = (name: string) => (options.fullRefs ? `refs/heads/${name}` : name);
  // A merged request belongs to the repository: its target branch is built, in its current state.
  const isMerged = event === "fulfilled";
  if (!isMerged && !head) return { ignored: "pull request without a commit" };
  const isFork = !isMerged && isElsewhere(source?.repository?.full_name, repository.full_name);
  // Bitbucket Cloud has no refs of pull requests, and a fork's branch may have the name of one of the repository's own, so
  // this uses a name that no push can create. The commit is found by its hash.
  let branch = `refs/pull-requests/${pull.id}/from`;
  if (isMerged) branch = toRef(destination.branch.name);
  else if (options.pullRequestRef === "source" && !isFork && sourceBranch) branch = toRef(sourceBranch);
  const change: NewChange = {
    author: nameOf(actor),
    comments: `Bitbucket Cloud Pull Request #${pull.id}${title && `\n${title}`}${pull.description ? `\n${pull.description}` : ""}`,
    branch,
    revision: isMerged ? null : (head ?? null),
    revlink: url,
    repository: isMerged ? html : (source?.repository?.links?.html.href ?? html),
    project: projectOf(repository),
    category: `pull-${event}`,
    properties: {
      event: `pullrequest:${event}`,
      ...pullRequestProperties({
        number: pull.id,
        title,
        url,
        owner: pull.author?.nickname ?? pull.author?.display_name ?? "",
        branch: sourceBranch ?? "",
        head: head ?? "",
        headRepository: source?.repository?.full_name ?? "",
        base: destination.branch.name,
        labels: [],
        isFork,
        isDraft: pull.draft,
      }),
    },
    ...timeOf(pull.updated_on),
  };
  const target = destination.branch.name;
  return applyOptions({ changes: [change], kind: "pull request", branch: target, headline: title }, payload, options);
}

function nameOf(who: z.output<typeof actor>): string {
  const { display_name, nickname } = who ?? {};
  return nickname ? `${display_name ?? nickname} <${nickname}>` : (display_name ?? "unknown");
}

function projectOf({ project, full_name }: z.output<typeof repository>): string {
  return project?.name ?? full_name ?? "";
}
