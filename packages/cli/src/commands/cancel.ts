import { append, errors } from "@multimaster/core";
import type { ActionParameters } from "@multimaster/data";
import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findRequest } from "../client/find-item.ts";
import { formatTable } from "../table.ts";
import { formatJson, openTerminal } from "../terminal.ts";

interface FilterFlags {
  builder?: string[];
  branch?: string;
  revision?: string;
  repository?: string;
  project?: string;
  codebase?: string;
  scheduler?: string;
  state?: "pending" | "running";
  matching?: string;
}

interface Flags extends ClientFlags, FilterFlags {
  reason?: string;
  dryRun?: boolean;
}

const filterFlags = [
  "builder",
  "branch",
  "revision",
  "repository",
  "project",
  "codebase",
  "scheduler",
  "state",
  "matching",
] as const;

export function addCancel(program: Command): void {
  clientOptions(
    program
      .command("cancel")
      .description("cancel a build request, or all that match; their running builds are stopped")
      .argument("[buildrequest]", "the build request's id, as master force and master why show it")
      .option("--reason <text>", "the reason, shown with the request")
      .option("--builder <name...>", "all requests of these builders; * stands for any text")
      .option("--branch <name>", "all requests of this branch")
      .option("--revision <id>", "all requests of this revision")
      .option("--repository <url>", "all requests of this repository")
      .option("--project <name>", "all requests of this project")
      .option("--codebase <name>", "all requests with this codebase")
      .option("--scheduler <name>", "all requests that this scheduler has made")
      .option("--state <state>", "with another option: only pending requests, or only running ones")
      .option("--matching <text>", "all requests with this text in their reason")
      .option("--dry-run", "only list the requests that match"),
  ).action(async (text: string | undefined, { reason, json, dryRun, ...flags }: Flags) => {
    const filter = readFilter(flags);
    if ((text === undefined) === (filter === undefined))
      throw errors.requestInvalid(
        "Name a build request, or say by options such as --builder or --branch which are meant.",
      );
    if (text !== undefined && dryRun) throw errors.requestInvalid("--dry-run lists the requests that options select.");
    const api = await connect(flags);
    const why = reason === undefined ? {} : { reason };
    if (filter !== undefined) return cancelAll(api, { filter, ...why, dry_run: dryRun === true }, json);
    const { buildrequestid, complete } = await findRequest(api, text as string);
    const path = `buildrequests/${buildrequestid}` as const;
    if (!complete) await api.call("buildrequests", path, "cancel", why);
    const request = await api.one("buildrequests", path);
    const state = complete ? "was already complete" : request.complete ? "is cancelled" : "is being stopped";
    await openTerminal().write(json ? formatJson(request) : `Build request ${buildrequestid} ${state}.\n`);
  });
}

function readFilter(flags: FilterFlags) {
  if (filterFlags.every((name) => flags[name] === undefined)) return undefined;
  const { builder, matching, branch, revision, repository, project, codebase, scheduler, state } = flags;
  const filter = {
    builders: builder,
    reason: matching,
    branch,
    revision,
    repository,
    project,
    codebase,
    scheduler,
    state,
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as typeof filter;
}

async function cancelAll(api: Api, call: Call, json: boolean | undefined): Promise<void> {
  const requests = await cancelPages(api, call);
  if (json) return openTerminal().write(formatJson({ requests, more: false }));
  const rows = requests.map(({ buildrequestid, builder, branch, outcome }) => [
    String(buildrequestid),
    builder,
    branch ?? "-",
    outcome,
  ]);
  const table = formatTable(["request", "builder", "branch", "outcome"], rows, "No open build request matches.");
  await openTerminal().write(table);
}

type Call = Extract<ActionParameters<"buildrequests", "cancel">, { filter: object }>;

/** One call handles a part of them. */
async function cancelPages(api: Api, call: Call) {
  let page = await cancelOnce(api, call);
  const requests = [...page.requests];
  for (let last = requests.at(-1); page.more && last !== undefined; last = page.requests.at(-1)) {
    page = await cancelOnce(api, { ...call, after: last.buildrequestid });
    append(requests, page.requests);
  }
  return requests;
}

async function cancelOnce(api: Api, call: Call) {
  const answer = await api.call("buildrequests", "buildrequests", "cancel", call);
  if (answer === null || !("requests" in answer)) throw errors.uiRefused("this master cannot cancel by a filter");
  return answer;
}
