import type { Command } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findRequest } from "../client/find-item.ts";
import { formatJson, openTerminal } from "../terminal.ts";

interface Flags extends ClientFlags {
  reason?: string;
}

export function addCancel(program: Command): void {
  clientOptions(
    program
      .command("cancel")
      .description("cancel a build request; its running builds are stopped")
      .argument("<buildrequest>", "the build request's id, as master force and master why show it")
      .option("--reason <text>", "the reason, shown with the request"),
  ).action(async (text: string, { reason, json, ...flags }: Flags) => {
    const api = await connect(flags);
    const { buildrequestid, complete } = await findRequest(api, text);
    const path = `buildrequests/${buildrequestid}` as const;
    if (!complete) await api.call("buildrequests", path, "cancel", reason === undefined ? {} : { reason });
    const request = await api.one("buildrequests", path);
    const state = complete ? "was already complete" : request.complete ? "is cancelled" : "is being stopped";
    await openTerminal().write(json ? formatJson(request) : `Build request ${buildrequestid} ${state}.\n`);
  });
}
