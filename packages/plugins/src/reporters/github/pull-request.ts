import type { ReportedEvent } from "../../reported-event.ts";
import { repositoryPath } from "../forge-shape.ts";

/** The pull request that a build is about. Properties that steps set do not count: a stranger's code must not choose it. */
export function pullRequestOf({ build }: ReportedEvent): { repository: string; number: string } | undefined {
  for (const { branch, repository: address } of build?.sources ?? []) {
    const given = build?.requestProperties["pullrequest_number"];
    const number = /^refs\/pull\/(\d+)\//.exec(branch ?? "")?.[1] ?? /^\d+$/.exec(String(given))?.[0];
    const base = build?.requestProperties["github.base.repo.full_name"];
    // Both become a part of the URL, and may be what a user has filled in.
    const repository = repositoryPath(typeof base === "string" ? `https://forge/${base}` : address);
    if (number !== undefined && repository !== undefined) return { repository, number };
  }
  return undefined;
}
