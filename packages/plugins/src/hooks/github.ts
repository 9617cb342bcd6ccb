import { fitsGlob, type Json } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import { files, flatten, nameAndMail, parsePayload, readPayload, readRef, text, timeOf } from "../hook-payload.ts";
import { pullRequestProperties } from "../hook-pull-request.ts";
import { checkHmac } from "../hook-signature.ts";
import { fetchDetails, type PullRequestDetails } from "./github/pull-request-details.ts";

const options = hookOptions({
  ...forgeShape,
  token: z
    .string()
    .min(1)
    .optional()
    .describe("With it GitHub is asked for a pull request's files and its newest commit's message."),
  apiUrl: z.url().default("https://api.github.com").describe("Of GitHub Enterprise: https://HOST/api/v3."),
  pullRequestActions: z
    .array(z.string())
    .default(["opened", "reopened", "synchronize"])
    .describe("What must have happened to a pull request, as GitHub names it."),
  pullRequestRef: z.enum(["merge", "head"]).default("merge").describe("Which of the refs of a pull request is built."),
  propertyWhitelist: z
    .array(z.string())
    .default([])
    .describe('Parts of the payload that become properties, such as "github.head.*"; of a push "github.pusher.*".'),
}).refine(({ token, secret }) => token === undefined || secret !== undefined, {
  path: ["token"],
  message: "a token needs a secret: otherwise anybody could have GitHub asked with it",
});

type Options = z.output<typeof options>;

const person = z.object({ name: text, email: text }).nullish();
const commit = z.object({
  id: z.string(),
  message: z.string(),
  timestamp: text,
  url: text,
  author: person,
  committer: person,
  added: files,
  modified: files,
  removed: files,
  distinct: z.boolean().optional(),
});
type Commit = z.output<typeof commit>;

// They become part of an address when GitHub is asked for more.
const fullName = z.string().regex(/^(?!\.{1,2}\/)[\w.-]+\/(?!\.{1,2}$)[\w.-]+$/, "is no name of a repository");
const hash = z.string().regex(/^\w+$/, "is no hash");

const repository = z.object({ full_name: fullName, html_url: z.string() });
const push = z.object({
  ref: z.string(),
  created: z.boolean().default(false),
  deleted: z.boolean().default(false),
  commits: z.array(commit).nullish(),
  head_commit: commit.nullish(),
  repository,
});

const branchOf = z.object({ ref: z.string(), sha: z.string().optional(), repo: repository.partial().nullish() });
const pullRequest = z.object({
  action: z.string(),
  number: z.int(),
  repository,
  sender: z.object({ login: z.string() }),
  pull_request: z.object({
    title: z.string(),
    body: text,
    commits: z.int().default(1),
    created_at: text,
    draft: z.boolean().default(false),
    user: z.object({ login: z.string() }).nullish(),
    labels: z.array(z.object({ name: z.string() })).default([]),
    head: branchOf.extend({ sha: hash }),
    base: branchOf,
    _links: z.object({ html: z.object({ href: z.string() }) }),
  }),
});

/** Pushes, tags and pull requests of GitHub. */
export default defineHook({
  type: "github",
  options,
  authenticate: (options) =>
    checkHmac(options, [
      { header: "X-Hub-Signature-256", algorithm: "sha256", prefix: "sha256=" },
      { header: "X-Hub-Signature", algorithm: "sha1", prefix: "sha1=" },
    ]),
  // GitHub sends up to 25 MB, and more as a form.
  maxBody: 32 * 1024 * 1024,
  signsBody: true,
  delivery: ({ headers }) => headers["x-github-delivery"],
  async lookUp(request, options, signal): Promise<PullRequestDetails | undefined> {
    const { token, apiUrl } = options;
    if (token === undefined || !options.pullRequests || request.headers["x-github-event"] !== "pull_request") return;
    const { action, number, repository, pull_request } = parsePayload(
      pullRequest,
      readPayload(request),
      "pull_request",
    );
    if (!options.pullRequestActions.includes(action)) return;
    const place = { repository: repository.full_name, number, head: pull_request.head.sha };
    return fetchDetails(place, { apiUrl, token, signal });
  },
  parse(request, options, details) {
    const event = request.headers["x-github-event"];
    const payload = readPayload(request);
    if (event === "push") return parsePush(payload, options);
    if (event === "pull_request") return parsePullRequest(payload, options, details);
    return { ignored: event === undefined ? "no X-GitHub-Event" : `event ${event}` };
  },
});

function parsePush(payload: Payload, options: Options): HookAnswer {
  const { ref, created, deleted, commits, head_commit, repository } = parsePayload(push, payload, "push");
  const place = readRef(ref);
  if (!place) return { ignored: `not a branch or tag: ${ref}` };
  if (deleted) return { ignored: `${place.name} was deleted` };
  const pushed = commits ?? [];
  const head = head_commit ?? pushed.at(-1);
  if (!head) return { ignored: "a push of nothing" };
  // The commits of a new branch are mostly known from another one. A long list is cut short by GitHub, and a branch that
  // was moved back has none: its head is built nevertheless.
  const news = created ? [head] : pushed.at(-1)?.id === head.id ? pushed : [...pushed, head];
  const changes = news.map((commit) => ({
    ...describeCommit(commit),
    branch: place.name,
    repository: repository.html_url,
    project: repository.full_name,
    category: place.kind === "tag" ? "tag" : null,
    properties: {
      event: "push",
      ...(commit.distinct === undefined ? {} : { github_distinct: commit.distinct }),
      ...pick(payload, options),
    },
  }));
  return applyOptions({ changes, kind: place.kind, branch: place.name, headline: head.message }, payload, options);
}

function describeCommit(commit: Commit): NewChange {
  return {
    author: nameAndMail(commit.author),
    committer: commit.committer ? nameAndMail(commit.committer) : null,
    comments: commit.message,
    files: [...commit.added, ...commit.modified, ...commit.removed],
    revision: commit.id,
    revlink: commit.url ?? "",
    ...timeOf(commit.timestamp),
  };
}

function parsePullRequest(payload: Payload, options: Options, details: PullRequestDetails | undefined): HookAnswer {
  const event = parsePayload(pullRequest, payload, "pull_request");
  const { action, number, repository, sender, pull_request: pull } = event;
  if (!options.pullRequestActions.includes(action)) return { ignored: `pull request ${action}` };
  const url = pull._links.html.href;
  const headRepository = pull.head.repo?.full_name ?? "";
  const change: NewChange = {
    author: sender.login,
    comments: `GitHub Pull Request #${number} (${pull.commits} commit${pull.commits === 1 ? "" : "s"})\n${pull.title}\n${pull.body ?? ""}`,
    branch: `refs/pull/${number}/${options.pullRequestRef}`,
    revision: pull.head.sha,
    revlink: url,
    repository: repository.html_url,
    project: pull.base.repo?.full_name ?? repository.full_name,
    category: "pull",
    files: details?.files ?? [],
    properties: {
      event: "pull_request",
      basename: pull.base.ref,
      ...pullRequestProperties({
        number,
        title: pull.title,
        url,
        owner: pull.user?.login ?? sender.login,
        branch: pull.head.ref,
        head: pull.head.sha,
        headRepository,
        base: pull.base.ref,
        labels: pull.labels.map(({ name }) => name),
        isFork: headRepository !== "" && headRepository !== repository.full_name,
        isDraft: pull.draft,
      }),
      ...pick(payload["pull_request"], options),
    },
    ...timeOf(pull.created_at),
  };
  return applyOptions(
    { changes: [change], kind: "pull request", branch: pull.base.ref, headline: details?.message ?? pull.title },
    payload,
    options,
  );
}

function pick(payload: unknown, { propertyWhitelist }: Options): Record<string, Json> {
  if (propertyWhitelist.length === 0) return {};
  const all = Object.entries(flatten("github", payload));
  return Object.fromEntries(all.filter(([name]) => propertyWhitelist.some((pattern) => fitsGlob(name, pattern))));
}
