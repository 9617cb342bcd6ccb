import type { ActionResult } from "@multimaster/data";
import type { Api } from "./client/api.ts";
import { nameBuilders } from "./client/find-item.ts";
import { showFollowedRequests } from "./follow.ts";
import { formatJson, openTerminal } from "./terminal.ts";

/** What `force` and `rebuild` answer: the buildset, and the build request of each builder's id. */
type Asked = ActionResult<"builds", "rebuild"> | ActionResult<"forceschedulers", "force">;

/** Prints the requested builds, and follows them if asked to; returns the exit code. */
export async function showAsked(
  api: Api,
  [bsid, requests]: Asked,
  { json, follow }: { json?: boolean; follow?: AbortSignal },
): Promise<number> {
  const names = await nameBuilders(api);
  const asked = Object.entries(requests).map(([builderid, buildrequestid]) => ({
    buildrequestid,
    builderid: Number(builderid),
    builder: names.get(Number(builderid)) ?? builderid,
  }));
  const { write } = openTerminal();
  if (!json) {
    for (const { buildrequestid, builder } of asked) {
      const page = new URL(`buildrequests/${buildrequestid}`, api.url).href;
      await write(`Build request ${buildrequestid}: ${builder}  ${page}\n`);
    }
  } else if (follow) await write(`${JSON.stringify({ event: "requests", buildsetid: bsid, requests: asked })}\n`);
  else await write(formatJson({ buildsetid: bsid, requests: asked }));
  if (asked.length === 0) {
    process.stderr.write(`master: nothing is built: buildset ${bsid} has no build requests\n`);
    return 1;
  }
  const ids = asked.map(({ buildrequestid }) => buildrequestid);
  return follow ? showFollowedRequests(api, ids, follow, json) : 0;
}
