import { errors } from "@multimaster/core";
import type { Command } from "commander";
import type { Api } from "../client/api.ts";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findRequest } from "../client/find-item.ts";
import { formatJson, formatTable, openTerminal } from "../terminal.ts";

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

type Call = Parameters<typeof cancelOnce>[1];

async function cancelAll(api: Api, call: Call, json: boolean | undefined): Promise<void> {
  const { requests, more } = await cancelOnce(api, call);
  if (json) return openTerminal().write(formatJson({ requests, more }));
  const rows = requests.map(({ buildrequestid, builder, branch, outcome }) => [
    String(buildrequestid),
    builder,
    branch ?? "-",
    outcome,
  ]);
  const table = formatTable(["request", "builder", "branch", "outcome"], rows, "No open build request matches.");
  await openTerminal().write(`${table}${more ? "More build requests match: repeat the command.\n" : ""}`);
}

const cancelOnce = (api: Api, call: Parameters<typeof api.call<"buildrequests", "cancel_matching">>[3]) =>
  api.call("buildrequests", "buildrequests", "cancel_matching", call);
