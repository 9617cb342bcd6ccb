import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import { parsePayload, readPayload, text, timeOf } from "../hook-payload.ts";
import { pullRequestProperties } from "../hook-pull-request.ts";
import { checkHmac } from "../hook-signature.ts";

const options = hookOptions({
  ...forgeShape,
  pullRequestEvents: z
    .array(z.enum(["created", "updated", "fulfilled", "rejected"]))
    .default(["created", "updated"])
    .describe("What must have happened to a pull request; fulfilled is merged, rejected is declined."),
  fullRefs: z.boolean().default(false).describe('Branches as Buildbot names them here: "refs/heads/main".'),
});

type Options = z.output<typeof options>;
type Event = Options["pullRequestEvents"][number];

const link = z.object({ href: z.string() });
const actor = z.object({ display_name: text, nickname: text });
const repository = z.object({
  full_name: text,
  project: z.object({ name: z.string() }).nullish(),
  links: z.object({ html: link }),
});

const target = z.object({
  hash: z.string(),
  message: text,
  date: text,
  author: z.object({ raw: text }).nullish(),
});
const pushed = z.object({
  new: z.object({ type: z.string(), name: z.string(), target }).nullish(),
  old: z.object({ name: z.string() }).nullish(),
});
const push = z.object({ actor, repository, push: z.object({ changes: z.array(pushed) }) });

const end = z.object({
  branch: z.object({ name: z.string() }),
  commit: z.object({ hash: z.string() }),
  repository: z.object({ full_name: text, links: z.object({ html: link }).nullish() }).nullish(),
});
const pullRequest = z.object({
  actor,
  repository,
  pullrequest: z.object({
    id: z.int(),
    title: text,
    description: text,
    draft: z.boolean().nullish(),
    author: actor.nullish(),
    updated_on: text,
    source: end,
    destination: end,
    links: z.object({ html: link }),
  }),
});

/** Pushes, tags and pull requests of Bitbucket Cloud. */
export default defineHook({
  type: "bitbucketcloud",
  options,
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

/** One push may move several branches; each of them is filtered by itself. */
function parsePush(payload: Payload, options: Options): HookAnswer {
  const { actor, repository, push: moved } = parsePayload(push, payload, "repo:push");
  const html = repository.links.html.href;
  const answers = moved.changes.map(({ new: place, old }): HookAnswer => {
    if (!place) return { ignored: `${old?.name ?? "a branch"} was deleted` };
    const { hash, message, date, author } = place.target;
    const change: NewChange = {
      author: author?.raw || nameOf(actor),
      comments: message ?? `Bitbucket Cloud commit ${hash}`,
      branch: options.fullRefs ? `refs/${place.type === "tag" ? "tags" : "heads"}/${place.name}` : place.name,
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
  const url = pull.links.html.href;
  const isFork = Boolean(source.repository?.full_name) && source.repository?.full_name !== repository.full_name;
  const html = repository.links.html.href;
  const title = pull.title ?? "";
  const isMerged = event === "fulfilled";
  const branch = (isMerged ? destination : source).branch.name;
  const change: NewChange = {
    author: nameOf(actor),
    comments: `Bitbucket Cloud Pull Request #${pull.id}${title && `\n${title}`}${pull.description ? `\n${pull.description}` : ""}`,
    // Bitbucket Cloud has no refs of pull requests: what is to be merged is a branch, in a fork maybe.
    branch: options.fullRefs ? `refs/heads/${branch}` : branch,
    revision: isMerged ? null : source.commit.hash,
    revlink: url,
    repository: isMerged ? html : (source.repository?.links?.html.href ?? html),
    project: projectOf(repository),
    category: `pull-${event}`,
    properties: {
      event: `pullrequest:${event}`,
      ...pullRequestProperties({
        number: pull.id,
        title,
        url,
        owner: pull.author?.nickname ?? pull.author?.display_name ?? "",
        branch: source.branch.name,
        head: source.commit.hash,
        headRepository: source.repository?.full_name ?? "",
        base: destination.branch.name,
        labels: [],
        isFork,
        isDraft: pull.draft ?? false,
      }),
    },
    ...timeOf(pull.updated_on),
  };
  const target = destination.branch.name;
  return applyOptions({ changes: [change], kind: "pull request", branch: target, headline: title }, payload, options);
}

function nameOf({ display_name, nickname }: z.output<typeof actor>): string {
  return nickname ? `${display_name ?? nickname} <${nickname}>` : (display_name ?? "unknown");
}

function projectOf({ project, full_name }: z.output<typeof repository>): string {
  return project?.name ?? full_name ?? "";
}
