import gitHubLabels from "@multimaster/plugins/reporters/github-labels";
import gitLabComment from "@multimaster/plugins/reporters/gitlab-comment";
import { z } from "zod";
import type { Contract, Kept } from "../strict-target.ts";
import { gitHub, gitLab } from "./forges.ts";

const labelsOf = (kept: Kept) => [...kept.keys()].map((name) => ({ name, color: "ededed", default: false }));

/** GitHub's labels of issues, which pull requests have too: names are the same in upper and lower case. */
const gitHubLabelsContract: Contract = {
  ...gitHub,
  kind: "github-labels",
  reporter: (apiUrl, more) =>
    gitHubLabels({
      name: "r",
      apiUrl,
      token: "t0ken",
      labels: { passed: "CI: passed", failed: "CI: failed" },
      ...more,
    }),
  properties: { pullrequest_number: 12 },
  shown: 1,
  routes: [
    {
      method: "GET",
      path: /^\/repos\/own\/project\/issues\/12\/labels\?per_page=100$/,
      act: (_, kept) => ({ body: labelsOf(kept) }),
    },
    {
      method: "POST",
      path: /^\/repos\/own\/project\/issues\/12\/labels$/,
      body: z.strictObject({ labels: z.array(z.string().min(1).max(50)).min(1).max(100) }),
      act({ body }, kept) {
        for (const name of body.labels) kept.set(name.toLowerCase(), true);
        return { body: labelsOf(kept) };
      },
    },
    {
      method: "DELETE",
      path: /^\/repos\/own\/project\/issues\/12\/labels\/[^/?]+$/,
      act({ path }, kept) {
        const name = decodeURIComponent(path.split("/").at(-1) as string).toLowerCase();
        if (!kept.delete(name)) return { status: 404, body: { message: "Label does not exist" } };
        return { body: labelsOf(kept) };
      },
    },
  ],
};

const note = z.strictObject({ body: z.string().min(1).max(1_000_000) });
const notes = "/api/v4/projects/own%2Fproject/merge_requests/5/notes";

/** GitLab's notes of merge requests. */
const gitLabCommentContract: Contract = {
  ...gitLab,
  kind: "gitlab-comment",
  reporter: (url, more) => gitLabComment({ name: "r", url, token: "gl-t0ken", ...more }),
  properties: { pullrequest_number: 5 },
  shown: 1,
  routes: [
    {
      method: "GET",
      path: new RegExp(`^${notes}\\?per_page=100&order_by=(created|updated)_at&sort=(asc|desc)$`),
      act: (_, kept) => ({ body: [...kept.values()].toReversed() }),
    },
    {
      method: "POST",
      path: new RegExp(`^${notes}$`),
      body: note,
      act({ body }, kept) {
        const made = { ...body, id: kept.size + 1 };
        kept.set(String(made.id), made);
        return { status: 201, body: made };
      },
    },
    {
      method: "PUT",
      path: new RegExp(`^${notes}/\\d+$`),
      body: note,
      act({ path, body }, kept) {
        const id = path.split("/").at(-1) as string;
        if (!kept.has(id)) return { status: 404, body: { message: "404 Note Not Found" } };
        kept.set(id, { ...body, id: Number(id) });
        return { body: { ...body, id: Number(id) } };
      },
    },
  ],
};

export const pullRequests: readonly Contract[] = [gitHubLabelsContract, gitLabCommentContract];
