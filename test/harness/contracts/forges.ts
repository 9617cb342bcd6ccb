import bitbucketCloudStatus from "@multimaster/plugins/reporters/bitbucket-cloud-status";
import bitbucketServerStatus from "@multimaster/plugins/reporters/bitbucket-server-status";
import giteaStatus from "@multimaster/plugins/reporters/gitea-status";
import gitHubChecks from "@multimaster/plugins/reporters/github-checks";
import gitHubComment from "@multimaster/plugins/reporters/github-comment";
import gitHubStatus from "@multimaster/plugins/reporters/github-status";
import gitLabStatus from "@multimaster/plugins/reporters/gitlab-status";
import { z } from "zod";
import type { TargetCall } from "../report-target.ts";
import type { Contract, Kept } from "../strict-target.ts";

const sha = "[0-9a-f]{40}";
const text = (longest: number) => z.string().min(1).max(longest);
const page = z.url({ protocol: /^https?$/ });
const time = z.iso.datetime();
export const basic = (user: string) => `Basic ${Buffer.from(user).toString("base64")}`;

/** A list at a forge that only grows: people see the newest of each name. */
function append(kept: Kept, { path, body }: TargetCall, status: object) {
  kept.set(`${path} ${kept.size}`, body);
  return { status: 201, body: { id: kept.size, ...body, ...status } };
}

const newestFirst = (kept: Kept) => [...kept.values()].toReversed();

/** REST API of GitHub, version 2022-11-28: commit statuses, check runs, comments of issues, rate limits. */
export const gitHub = {
  isAllowed: ({ headers }: TargetCall) =>
    headers.authorization === "Bearer t0ken" &&
    headers.accept === "application/vnd.github+json" &&
    headers["x-github-api-version"] === "2022-11-28",
  limited: { status: 403, body: { message: "You have exceeded a secondary rate limit. Please wait a few minutes." } },
  // "Otherwise, wait for at least one minute".
  limitMs: 60_000,
  revoked: { status: 401, body: { message: "Bad credentials", documentation_url: "https://docs.github.com/rest" } },
} as const;

const gitHubStatusContract: Contract = {
  ...gitHub,
  kind: "github-status",
  reporter: (apiUrl, more) => gitHubStatus({ name: "r", apiUrl, token: "t0ken", ...more }),
  shown: 1,
  routes: [
    {
      method: "POST",
      path: new RegExp(`^/repos/own/project/statuses/${sha}$`),
      body: z.strictObject({
        state: z.enum(["error", "failure", "pending", "success"]),
        context: text(255),
        target_url: page,
        description: z.string().max(140),
      }),
      act: (call, kept) => append(kept, call, {}),
    },
    {
      method: "GET",
      path: new RegExp(`^/repos/own/project/commits/${sha}/statuses\\?per_page=100$`),
      act: (_, kept) => ({ body: newestFirst(kept) }),
    },
  ],
};

const annotation = z.strictObject({
  path: text(4096),
  start_line: z.int().min(1),
  end_line: z.int().min(1),
  annotation_level: z.enum(["notice", "warning", "failure"]),
  title: z.string().max(255).optional(),
  message: text(65_535),
});

const checkRun = z
  .strictObject({
    name: text(255),
    head_sha: z.string().regex(new RegExp(`^${sha}$`)),
    external_id: text(255),
    details_url: page,
    status: z.enum(["queued", "in_progress", "completed"]),
    started_at: time,
    conclusion: z
      .enum(["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"])
      .optional(),
    completed_at: time.optional(),
    output: z.strictObject({
      title: text(255),
      summary: z.string().max(65_535),
      annotations: z.array(annotation).max(50).optional(),
    }),
    actions: z.array(z.unknown()).max(3).optional(),
  })
  .refine(({ status, conclusion }) => (status === "completed") === (conclusion !== undefined), {
    message: "a check that is completed has a conclusion, and no other has one",
  });

type Run = z.output<typeof checkRun> & { id: number };

const gitHubChecksContract: Contract = {
  ...gitHub,
  kind: "github-checks",
  reporter: (apiUrl, more) => gitHubChecks({ name: "r", apiUrl, token: "t0ken", ...more }),
  shown: 1,
  routes: [
    {
      method: "POST",
      path: /^\/repos\/own\/project\/check-runs$/,
      body: checkRun,
      act({ body }, kept) {
        const run = { ...body, id: kept.size + 1 };
        kept.set(String(run.id), run);
        return { status: 201, body: run };
      },
    },
    {
      method: "PATCH",
      path: /^\/repos\/own\/project\/check-runs\/\d+$/,
      body: checkRun,
      act({ path, body }, kept) {
        const id = path.split("/").at(-1) as string;
        const before = kept.get(id) as Run | undefined;
        if (!before) return { status: 404 };
        // Annotations are added to those that are there.
        const annotations = [...(before.output.annotations ?? []), ...(body.output.annotations ?? [])];
        kept.set(id, { ...before, ...body, output: { ...body.output, annotations } });
        return { body: { ...body, id: Number(id) } };
      },
    },
    {
      method: "GET",
      path: /^\/repos\/own\/project\/check-runs\/\d+$/,
      act: ({ path }, kept) => ({ body: kept.get(path.split("/").at(-1) as string) }),
    },
    {
      method: "GET",
      path: new RegExp(
        `^/repos/own/project/commits/${sha}/check-runs\\?check_name=[^&]+&filter=(all|latest)&per_page=100$`,
      ),
      act: (_, kept) => ({ body: { total_count: kept.size, check_runs: newestFirst(kept) } }),
    },
  ],
};

const comment = z.strictObject({ body: text(65_536) });

const gitHubCommentContract: Contract = {
  ...gitHub,
  kind: "github-comment",
  reporter: (apiUrl, more) => gitHubComment({ name: "r", apiUrl, token: "t0ken", ...more }),
  properties: { pullrequest_number: 12 },
  shown: 1,
  routes: [
    {
      method: "POST",
      path: /^\/repos\/own\/project\/issues\/12\/comments$/,
      body: comment,
      act({ body }, kept) {
        const made = { ...body, id: kept.size + 1 };
        kept.set(String(made.id), made);
        return { status: 201, body: made };
      },
    },
    {
      method: "PATCH",
      path: /^\/repos\/own\/project\/issues\/comments\/\d+$/,
      body: comment,
      act({ path, body }, kept) {
        const id = path.split("/").at(-1) as string;
        if (!kept.has(id)) return { status: 404, body: { message: "Not Found" } };
        kept.set(id, { ...body, id: Number(id) });
        return { body: { ...body, id: Number(id) } };
      },
    },
    {
      // Comments of one issue come oldest first, and cannot be sorted otherwise.
      method: "GET",
      path: /^\/repos\/own\/project\/issues\/12\/comments\?per_page=100&since=\d{4}-\d\d-\d\dT[\d:.]+Z$/,
      act: (_, kept) => ({ body: [...kept.values()] }),
    },
  ],
};

/** REST API of GitLab, version 4: tokens and rate limits. */
export const gitLab = {
  isAllowed: ({ headers }: TargetCall) => headers["private-token"] === "gl-t0ken",
  limited: { status: 429, headers: { "retry-after": "25", "ratelimit-remaining": "0" }, body: "Retry later" },
  limitMs: 25_000,
  revoked: { status: 401, body: { error: "invalid_token", error_description: "Token was revoked." } },
} as const;

/** GitLab's commits API: one status has a name, which only moves forward. */
const gitLabContract: Contract = {
  ...gitLab,
  kind: "gitlab-status",
  reporter: (url, more) => gitLabStatus({ name: "r", url, token: "gl-t0ken", ...more }),
  shown: 1,
  routes: [
    {
      method: "POST",
      path: new RegExp(`^/api/v4/projects/own%2Fproject/statuses/${sha}$`),
      body: z.strictObject({
        state: z.enum(["pending", "running", "success", "failed", "canceled", "skipped"]),
        name: text(255),
        ref: text(255).optional(),
        target_url: page.max(255),
        description: z.string().max(255),
      }),
      act(call, kept) {
        const { name, state } = call.body;
        const newest = newestFirst(kept)[0] as { state: string } | undefined;
        if (newest?.state === state)
          return { status: 400, body: { message: `Cannot transition status via :run from :${state}` } };
        return append(kept, call, { status: state, name });
      },
    },
    {
      method: "GET",
      path: new RegExp(`^/api/v4/projects/own%2Fproject/repository/commits/${sha}/statuses\\?name=[^&]+&per_page=100$`),
      act: (_, kept) => ({
        body: newestFirst(kept).map((one) => ({ ...(one as object), status: (one as { state: string }).state })),
      }),
    },
  ],
};

/** Gitea's API; Forgejo has the same. */
const giteaContract: Contract = {
  kind: "gitea-status",
  reporter: (url, more) => giteaStatus({ name: "r", url, token: "gt-t0ken", ...more }),
  isAllowed: ({ headers }) => headers.authorization === "token gt-t0ken",
  shown: 1,
  limited: { status: 429, headers: { "retry-after": "3" }, body: { message: "too many requests" } },
  limitMs: 3000,
  revoked: { status: 401, body: { message: "invalid username, password or token", url: "https://x/api/swagger" } },
  routes: [
    {
      method: "POST",
      path: new RegExp(`^/api/v1/repos/own/project/statuses/${sha}$`),
      body: z.strictObject({
        state: z.enum(["pending", "success", "error", "failure", "warning", "skipped"]),
        context: text(255),
        target_url: page,
        description: z.string().max(255),
      }),
      act: (call, kept) => append(kept, call, { status: call.body.state }),
    },
    {
      method: "GET",
      path: new RegExp(
        `^/api/v1/repos/own/project/statuses/${sha}\\?sort=(oldest|recentupdate|leastupdate|leastindex|highestindex)&limit=\\d+$`,
      ),
      act: (_, kept) => ({
        // Seen at a real one: those of one second come oldest first, whatever the order that was asked for.
        body: [...kept.values()].map((one, i) => ({
          ...(one as object),
          id: i + 1,
          status: (one as { state: string }).state,
        })),
      }),
    },
  ],
};

/** A status of Bitbucket has a key: the newest of a key replaces the one before. */
const replaceByKey = (status: number) => (call: TargetCall, kept: Kept) => {
  kept.set(`${call.path} ${call.body.key}`, call.body);
  return { status, body: call.body };
};

const bitbucketCloudContract: Contract = {
  kind: "bitbucket-cloud-status",
  reporter: (apiUrl, more) => bitbucketCloudStatus({ name: "r", apiUrl, user: "u", password: "pa55", ...more }),
  isAllowed: ({ headers }) => headers.authorization === basic("u:pa55"),
  shown: 1,
  limited: { status: 429, headers: { "retry-after": "60" }, body: { type: "error", error: { message: "Rate limit" } } },
  limitMs: 60_000,
  revoked: { status: 401, body: { type: "error", error: { message: "Token is invalid or not supported" } } },
  routes: [
    {
      method: "POST",
      path: new RegExp(`^/repositories/own/project/commit/${sha}/statuses/build$`),
      body: z.strictObject({
        key: text(40),
        state: z.enum(["FAILED", "INPROGRESS", "STOPPED", "SUCCESSFUL"]),
        name: text(255),
        url: page,
        description: z.string().max(255),
      }),
      act: replaceByKey(201),
    },
  ],
};

const bitbucketServerContract: Contract = {
  kind: "bitbucket-server-status",
  reporter: (url, more) => bitbucketServerStatus({ name: "r", url, token: "bs-t0ken", ...more }),
  isAllowed: ({ headers }) => headers.authorization === "Bearer bs-t0ken",
  shown: 1,
  limited: { status: 429, headers: { "retry-after": "1" }, body: { errors: [{ message: "You are rate limited." }] } },
  limitMs: 1000,
  revoked: { status: 401, body: { errors: [{ message: "Authentication failed. Please check your credentials." }] } },
  routes: [
    {
      method: "POST",
      path: new RegExp(`^/rest/api/latest/projects/own/repos/project/commits/${sha}/builds$`),
      body: z.strictObject({
        key: text(255),
        state: z.enum(["CANCELLED", "FAILED", "INPROGRESS", "SUCCESSFUL", "UNKNOWN"]),
        name: text(255),
        url: page.max(450),
        description: z.string().max(255),
        buildNumber: text(255),
        ref: z
          .string()
          .regex(/^refs\/heads\//)
          .optional(),
        duration: z.int().min(0).optional(),
      }),
      act: replaceByKey(204),
    },
  ],
};

export const forges: readonly Contract[] = [
  gitHubStatusContract,
  gitHubChecksContract,
  gitHubCommentContract,
  gitLabContract,
  giteaContract,
  bitbucketCloudContract,
  bitbucketServerContract,
];
