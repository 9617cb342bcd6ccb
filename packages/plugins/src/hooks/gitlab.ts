import type { ConfigWarning } from "@multimaster/config";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import {
  files,
  flag,
  isNoCommit,
  nameAndMail,
  number,
  optionalPart,
  parsePayload,
  perhaps,
  readPayload,
  readRef,
  text,
  timeOf,
} from "../hook-payload.ts";
import { isElsewhere, pullRequestProperties } from "../hook-pull-request.ts";
import { checkToken } from "../hook-signature.ts";
import { warnOfForge, warnOfRef } from "../hook-warnings.ts";

const options = hookOptions({
  ...forgeShape,
  pullRequestRef: z
    .enum(["head", "merge", "target"])
    .optional()
    .describe(
      "Branch of a merge request's changes: refs/merge-requests/N/head (absent: this) or /merge; or target, the branch it goes to, whose schedulers then build what is not merged.",
    ),
});

type Options = z.output<typeof options>;

// Strict only about required data: GitLab disables a webhook whose deliveries are refused.
const person = perhaps(z.object({ name: text, email: text }));
const commit = z.object({
  id: z.string(),
  message: text,
  timestamp: text,
  url: text,
  author: person,
  added: files,
  modified: files,
  removed: files,
  distinct: perhaps(z.boolean()),
});

const push = z.object({
  ref: z.string(),
  after: text,
  checkout_sha: text,
  message: text,
  user_name: text,
  user_email: text,
  repository: perhaps(z.object({ name: text, url: text })),
  project: perhaps(z.object({ name: text, web_url: text, git_ssh_url: text, git_http_url: text })),
  commits: z.array(commit).nullish(),
});

const place = perhaps(z.object({ name: text, git_http_url: text, git_ssh_url: text, path_with_namespace: text }));
const standing = z.object({ object_attributes: z.object({ state: text, action: text, oldrev: text }) });
const attributes = z.object({
  iid: z.int(),
  title: text,
  description: text,
  state: text,
  action: text,
  oldrev: text,
  url: text,
  draft: flag,
  work_in_progress: flag,
  source_branch: text,
  target_branch: z.string(),
  source_project_id: number,
  target_project_id: number,
  source: place,
  target: place,
  last_commit: optionalPart(commit.pick({ id: true, timestamp: true, author: true })),
});
const user = perhaps(z.object({ name: text, username: text }));
const labels = perhaps(z.array(z.object({ title: z.string() }))).transform((list) =>
  (list ?? []).map(({ title }) => title),
);
const mergeRequest = z.object({ object_attributes: attributes, user, labels });
const note = z.object({
  object_attributes: optionalPart(z.object({ note: text })),
  merge_request: optionalPart(attributes.extend({ labels })),
  user,
});

/** Pushes, tags, merge requests and comments on them of GitLab. */
export default defineHook({
  type: "gitlab",
  options,
  warnings: (options) => [
    ...warnOfForge(options),
    ...warnOfRef(options, "refs/merge-requests/N/head", "target", "head"),
    ...(options.pullRequests && options.pullRequestRef === "target" ? [builtAsTarget] : []),
  ],
  authenticate: (options) => checkToken(options, "X-Gitlab-Token", ({ headers }) => headers["x-gitlab-token"]),
  // A webhook triggered by another webhook has the other's event id, but its own idempotency key.
  delivery: ({ headers }) => headers["idempotency-key"] ?? headers["x-gitlab-event-uuid"],
  parse(request, options) {
    const payload = readPayload(request);
    const kind = payload["object_kind"] ?? payload["event_name"] ?? kindOfHeader(request.headers["x-gitlab-event"]);
    const own = { ...options, codebase: request.query.get("codebase") ?? options.codebase };
    if (kind === "push" || kind === "tag_push") return parsePush(payload, kind, own);
    if (kind === "merge_request") return parseMergeRequest(payload, own);
    if (kind === "note") return parseNote(payload, own);
    return { ignored: typeof kind === "string" ? `event ${kind}` : "no object_kind" };
  },
});

/** Converts `Tag Push Hook` to the kind `tag_push`. */
function kindOfHeader(header: string | undefined): string | undefined {
  return header
    ?.replace(/ Hook$/, "")
    .toLowerCase()
    .replaceAll(" ", "_");
}

function parsePush(payload: Payload, event: "push" | "tag_push", options: Options): HookAnswer {
  const pushed = parsePayload(push, payload, event);
  const place = readRef(pushed.ref);
  if (!place) return { ignored: `not a branch or tag: ${pushed.ref}` };
  if (pushed.after && isNoCommit(pushed.after)) return { ignored: `${place.name} was deleted` };
  const { repository, project } = pushed;
  const common = {
    branch: place.name,
    repository: repository?.url ?? project?.git_ssh_url ?? project?.git_http_url ?? "",
    project: repository?.name ?? project?.name ?? "",
    category: event,
    properties: { event },
  };
  const commits = pushed.commits ?? [];
  const changes: NewChange[] = commits
    .filter(({ distinct }) => distinct !== false)
    .map((commit) => ({
      author: nameAndMail(commit.author),
      comments: commit.message ?? "",
      files: [...commit.added, ...commit.modified, ...commit.removed],
      revision: commit.id,
      revlink: commit.url ?? "",
      ...timeOf(commit.timestamp),
      ...common,
    }));
  // GitLab lists at most 20 commits, and none if a branch is new or was moved back: its head is built nevertheless.
  const head = pushed.checkout_sha ?? pushed.after;
  if (head && !commits.some(({ id }) => id === head)) {
    const link = pushed.project?.web_url;
    changes.push({
      author: nameAndMail({ name: pushed.user_name, email: pushed.user_email }),
      comments: pushed.message ?? `${place.kind === "tag" ? "Tag" : "Head of"} ${place.name}`,
      revision: head,
      revlink: link ? `${link}/-/commit/${head}` : "",
      ...common,
    });
  }
  if (changes.length === 0) return { ignored: "a push of nothing" };
  const headline = commits.find(({ id }) => id === head)?.message ?? changes.at(-1)?.comments ?? "";
  return applyOptions({ changes, kind: place.kind, branch: place.name, headline }, payload, options);
}

const builtAsTarget: ConfigWarning = {
  path: ["pullRequestRef"],
  sentence:
    'is "target": an unmerged request is a change of its target branch, and is built as that; "head" separates them',
};

type MergeRequest = z.output<typeof attributes>;

function parseMergeRequest(payload: Payload, options: Options): HookAnswer {
  // The action is checked first: an ignored event needs no other data.
  const { state, action, oldrev } = parsePayload(standing, payload, "merge_request").object_attributes;
  if (["closed", "merged", "approved"].includes(state ?? "")) return { ignored: `merge request ${state}` };
  const isNews = action === "open" || action === "reopen" || (action === "update" && Boolean(oldrev));
  if (!isNews) return { ignored: `merge request: ${action ?? "nothing"} without new commits` };
  const event = parsePayload(mergeRequest, payload, "merge_request");
  return describe(event.object_attributes, { ...event, event: "merge_request" }, payload, options);
}

function parseNote(payload: Payload, options: Options): HookAnswer {
  const event = parsePayload(note, payload, "note");
  const { merge_request: request, object_attributes } = event;
  if (!request) return { ignored: "a comment that is not on a merge request" };
  const more: Occasion = {
    user: event.user,
    labels: request.labels,
    event: "note",
    comments: object_attributes?.note ?? "",
  };
  return describe(request, more, payload, options);
}

interface Occasion {
  event: "merge_request" | "note";
  user?: z.output<typeof user>;
  labels: readonly string[];
  comments?: string;
}

function describe(request: MergeRequest, occasion: Occasion, payload: Payload, options: Options): HookAnswer {
  const { iid, source, target, source_branch, target_branch, last_commit } = request;
  const { event, user, labels, comments } = occasion;
  // The request's branch was deleted, or never existed.
  if (!last_commit) return { ignored: "merge request without a commit" };
  const title = request.title ?? "";
  const isFork = !source || isElsewhere(request.source_project_id, request.target_project_id);
  const change: NewChange = {
    author: nameAndMail(last_commit.author),
    comments: `MR#${iid}: ${title}\n\n${request.description ?? ""}`,
    branch:
      options.pullRequestRef === "target"
        ? target_branch
        : `refs/merge-requests/${iid}/${options.pullRequestRef ?? "head"}`,
    revision: last_commit.id,
    revlink: request.url ?? "",
    repository: target?.git_http_url ?? "",
    project: target?.name ?? "",
    category: event,
    properties: {
      event,
      source_branch: source_branch ?? null,
      source_project_id: request.source_project_id ?? null,
      source_repository: source?.git_http_url ?? null,
      source_git_ssh_url: source?.git_ssh_url ?? null,
      target_branch,
      target_project_id: request.target_project_id ?? null,
      target_repository: target?.git_http_url ?? null,
      target_git_ssh_url: target?.git_ssh_url ?? null,
      ...(comments === undefined ? {} : { comments }),
      ...pullRequestProperties({
        number: iid,
        title,
        url: request.url ?? "",
        owner: user?.username ?? user?.name ?? "",
        branch: source_branch ?? "",
        head: last_commit.id,
        headRepository: source?.path_with_namespace ?? source?.git_http_url ?? "",
        base: target_branch,
        labels,
        isFork,
        isDraft: request.draft || request.work_in_progress,
      }),
    },
    ...timeOf(last_commit.timestamp),
  };
  return applyOptions(
    { changes: [change], kind: "pull request", branch: target_branch, headline: title },
    payload,
    options,
  );
}
