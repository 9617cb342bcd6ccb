import { fitsGlob, type Json } from "@multimaster/core";
import type { NewChange } from "@multimaster/data";
import { z } from "zod";
import { defineHook, type HookAnswer } from "../define-hook.ts";
import { applyOptions, forgeShape, hookOptions, type Payload } from "../hook-options.ts";
import {
  number as count,
  files,
  flag,
  flatten,
  nameAndMail,
  optionalPart,
  parsePayload,
  perhaps,
  readPayload,
  readRef,
  text,
  timeOf,
} from "../hook-payload.ts";
import { isElsewhere, pullRequestProperties } from "../hook-pull-request.ts";
import { checkHmac } from "../hook-signature.ts";
import { warnOfForge } from "../hook-warnings.ts";
import { fetchDetails, type PullRequestDetails } from "./github/pull-request-details.ts";
import { parseRerun } from "./github/rerun-events.ts";

const options = hookOptions({
  ...forgeShape,
  token: z
    .string()
    .min(1)
    .optional()
    .describe("Token to query GitHub for a pull request's files and its newest commit's message."),
  apiUrl: z
    .url()
    .default("https://api.github.com")
    .describe("URL of the API; for GitHub Enterprise https://HOST/api/v3."),
  pullRequestActions: z
    .array(z.string())
    .default(["opened", "reopened", "synchronize"])
    .describe("Actions of a pull request that are changes, as GitHub names them."),
  pullRequestRef: z.enum(["merge", "head"]).default("merge").describe("The ref of a pull request that is built."),
  propertyWhitelist: z
    .array(z.string())
    .default([])
    .describe('Parts of the payload that become properties, such as "github.head.*"; of a push "github.pusher.*".'),
}).refine(({ token, secret }) => token === undefined || secret !== undefined, {
  path: ["token"],
  message: "a token needs a secret: otherwise anyone could trigger queries to GitHub with it",
});

type Options = z.output<typeof options>;

// Strict only about required data: invalid optional data is ignored.
const person = perhaps(z.object({ name: text, email: text }));
const commit = z.object({
  id: z.string(),
  message: text,
  timestamp: text,
  url: text,
  author: person,
  committer: person,
  added: files,
  modified: files,
  removed: files,
  distinct: perhaps(z.boolean()),
});
type Commit = z.output<typeof commit>;

// These become part of the URL of a query to GitHub.
const fullName = z.string().regex(/^(?!\.{1,2}\/)[\w.-]+\/(?!\.{1,2}$)[\w.-]+$/, "is not the name of a repository");
const hash = z.string().regex(/^\w+$/, "is not a hash");

const repository = z.object({ full_name: fullName, html_url: z.string() });
const push = z.object({
  ref: z.string(),
  created: flag,
  deleted: flag,
  commits: z.array(commit).nullish(),
  head_commit: optionalPart(commit),
  repository,
});

const account = perhaps(z.object({ login: text }));
const repo = perhaps(z.object({ full_name: text }));
const action = z.object({ action: text });
const pullRequest = z.object({
  action: z.string(),
  number: z.int(),
  repository,
  sender: account,
  pull_request: z.object({
    title: text,
    body: text,
    commits: count,
    created_at: text,
    draft: flag,
    user: account,
    labels: perhaps(z.array(z.object({ name: z.string() }))),
    head: z.object({ ref: text, sha: hash, repo }),
    base: z.object({ ref: z.string(), repo }),
    html_url: text,
    _links: perhaps(z.object({ html: z.object({ href: z.string() }) })),
  }),
});
type PullRequestEvent = z.output<typeof pullRequest>;

/** Pushes, tags and pull requests of GitHub, and checks that users want to run again. */
export default defineHook({
  type: "github",
  options,
  warnings: warnOfForge,
  authenticate: (options) =>
    checkHmac(options, [
      { header: "X-Hub-Signature-256", algorithm: "sha256", prefix: "sha256=" },
      { header: "X-Hub-Signature", algorithm: "sha1", prefix: "sha1=" },
    ]),
  // GitHub sends up to 25 MB, which grows when encoded as a form.
  maxBody: 32 * 1024 * 1024,
  signsBody: true,
  delivery: ({ headers }) => headers["x-github-delivery"],
  async lookUp(request, options, signal): Promise<PullRequestDetails | undefined> {
    const { token, apiUrl } = options;
    if (token === undefined || !options.pullRequests || request.headers["x-github-event"] !== "pull_request") return;
    const event = readPullRequest(readPayload(request), options);
    if ("ignored" in event || (isFork(event) && !options.forks)) return;
    const { number, repository, pull_request } = event;
    const place = { repository: repository.full_name, number, head: pull_request.head.sha };
    return fetchDetails(place, { apiUrl, token, signal });
  },
  parse(request, options, details) {
    const event = request.headers["x-github-event"];
    const payload = readPayload(request);
    if (event === "push") return parsePush(payload, options);
    if (event === "pull_request") return parsePullRequest(payload, options, details);
    if (event === "check_run" || event === "check_suite")
      return isSigned(options)
        ? parseRerun(event, payload)
        : { ignored: "builds run again only for a hook with a secret, and without strict: false" };
    return { ignored: event === undefined ? "no X-GitHub-Event" : `event ${event}` };
  },
});

/** Whether the sender of a request knows the secret. */
const isSigned = ({ secret, strict }: Options): boolean => secret !== undefined && strict;

function parsePush(payload: Payload, options: Options): HookAnswer {
  const { ref, created, deleted, commits, head_commit, repository } = parsePayload(push, payload, "push");
  const place = readRef(ref);
  if (!place) return { ignored: `not a branch or tag: ${ref}` };
  if (deleted) return { ignored: `${place.name} was deleted` };
  const pushed = commits ?? [];
  const head = head_commit ?? pushed.at(-1);
  if (!head) return { ignored: "a push of nothing" };
  // Most commits of a new branch are already known from another one. GitHub truncates a long list, and a branch that was
  // moved back has none: its head is built nevertheless.
  const news = created ? [head] : pushed.at(-1)?.id === head.id ? pushed : [...pushed, head];
  const changes = news.map((commit) => ({
    ...describeCommit(commit),
    branch: place.name,
    repository: repository.html_url,
    project: repository.full_name,
    category: place.kind === "tag" ? "tag" : null,
    properties: {
      event: "push",
      ...(typeof commit.distinct === "boolean" ? { github_distinct: commit.distinct } : {}),
      ...pick(payload, options),
    },
  }));
  const headline = head.message ?? "";
  return applyOptions({ changes, kind: place.kind, branch: place.name, headline }, payload, options);
}

function describeCommit(commit: Commit): NewChange {
  return {
    author: nameAndMail(commit.author),
    committer: commit.committer ? nameAndMail(commit.committer) : null,
    comments: commit.message ?? "",
    files: [...commit.added, ...commit.modified, ...commit.removed],
    revision: commit.id,
    revlink: commit.url ?? "",
    ...timeOf(commit.timestamp),
  };
}

/** The action is checked first: an ignored event needs no other data. */
function readPullRequest(payload: Payload, options: Options): PullRequestEvent | { ignored: string } {
  const { action: what } = parsePayload(action, payload, "pull_request");
  if (what && !options.pullRequestActions.includes(what)) return { ignored: `pull request ${what}` };
  return parsePayload(pullRequest, payload, "pull_request");
}

function isFork({ repository, pull_request }: PullRequestEvent): boolean {
  return isElsewhere(pull_request.head.repo?.full_name, repository.full_name);
}

function parsePullRequest(payload: Payload, options: Options, details: PullRequestDetails | undefined): HookAnswer {
  const event = readPullRequest(payload, options);
  if ("ignored" in event) return event;
  const { number, repository, sender, pull_request: pull } = event;
  const url = pull._links?.html.href ?? pull.html_url ?? "";
  const commits = pull.commits ?? 1;
  const title = pull.title ?? "";
  const change: NewChange = {
    author: sender?.login || pull.user?.login || "unknown",
    comments: `GitHub Pull Request #${number} (${commits} commit${commits === 1 ? "" : "s"})\n${title}\n${pull.body ?? ""}`,
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
        title,
        url,
        owner: pull.user?.login ?? sender?.login ?? "",
        branch: pull.head.ref ?? "",
        head: pull.head.sha,
        headRepository: pull.head.repo?.full_name ?? "",
        base: pull.base.ref,
        labels: (pull.labels ?? []).map(({ name }) => name),
        isFork: isFork(event),
        isDraft: pull.draft,
      }),
      ...pick(payload["pull_request"], options),
    },
    ...timeOf(pull.created_at),
  };
  return applyOptions(
    { changes: [change], kind: "pull request", branch: pull.base.ref, headline: details?.message ?? title },
    payload,
    options,
  );
}

function pick(payload: unknown, { propertyWhitelist }: Options): Record<string, Json> {
  if (propertyWhitelist.length === 0) return {};
  const all = Object.entries(flatten("github", payload));
  return Object.fromEntries(all.filter(([name]) => propertyWhitelist.some((pattern) => fitsGlob(name, pattern))));
}
