import type { Command } from "commander";
import { type ClientFlags, clientOptions, connect } from "../client/connect.ts";
import { findRequest } from "../client/find-item.ts";
import { formatJson, openTerminal } from "../terminal.ts";

interface Flags extends ClientFlags {
  reason?: string;
}

/** `master approve` and `master reject`: decide whether a stranger's code is built. */
export function addApprove(program: Command): void {
  addDecision(program, "approve", "approved, and starts as soon as it can");
  addDecision(program, "reject", "rejected, and has ended");
}

const descriptions = {
  approve: "let a build request of a stranger's code start, which waits for that",
  reject: "end a build request of a stranger's code, which waits for approval",
};

function addDecision(program: Command, decision: "approve" | "reject", done: string): void {
  clientOptions(
    program
      .command(decision)
      .description(descriptions[decision])
      .argument("<buildrequest>", "the build request's id, as master why shows it")
      .option("--reason <text>", "the reason, shown with the request"),
  ).action(async (text: string, { reason, json, ...flags }: Flags) => {
    const api = await connect(flags);
    const { buildrequestid } = await findRequest(api, text);
    await api.call(
      "buildrequests",
      `buildrequests/${buildrequestid}`,
      decision,
      reason === undefined ? {} : { reason },
    );
    const approval = await api.one("approvals", `approvals/${buildrequestid}`);
    await openTerminal().write(json ? formatJson(approval) : `Build request ${buildrequestid} is ${done}.\n`);
  });
}
