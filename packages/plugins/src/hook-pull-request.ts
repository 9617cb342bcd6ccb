import { forkProperty, type Json } from "@multimaster/core";

/** The data of a pull (or merge) request that every forge sends. */
export interface PullRequest {
  readonly number: number;
  readonly title: string;
  readonly url: string;
  /** The author's name. */
  readonly owner: string;
  /** Branch and newest commit of the request, and the repository that contains them. */
  readonly branch: string;
  readonly head: string;
  readonly headRepository: string;
  /** The target branch. */
  readonly base: string;
  readonly labels: readonly string[];
  readonly isFork: boolean;
  readonly isDraft: boolean;
}

/** The properties of its changes, with the same names for every forge. */
export function pullRequestProperties(pull: PullRequest): Record<string, Json> {
  return {
    [forkProperty]: pull.isFork,
    pullrequesturl: pull.url,
    pullrequest_number: pull.number,
    pullrequest_title: pull.title,
    pullrequest_owner: pull.owner,
    pullrequest_branch: pull.branch,
    pullrequest_head: pull.head,
    pullrequest_repository: pull.headRepository,
    pullrequest_base: pull.base,
    pullrequest_labels: pull.labels,
    pullrequest_draft: pull.isDraft,
  };
}

type Name = string | number | null | undefined;

/** Whether the head of a pull request is in another repository, or one of the repositories is not known. */
export function isElsewhere(head: Name, own: Name): boolean {
  const isKnown = (name: Name) => name !== null && name !== undefined && name !== "";
  return !isKnown(head) || !isKnown(own) || head !== own;
}
