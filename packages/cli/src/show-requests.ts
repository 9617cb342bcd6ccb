import type { Json } from "@multimaster/core";
import type { Api } from "./client/api.ts";
import { nameBuilders } from "./client/find-item.ts";
import { showFollowedRequests } from "./follow.ts";
import { formatJson, openTerminal } from "./terminal.ts";

/** The answer to `force` and `rebuild`: the buildset, and each build request by its builder's id. */
export type Asked = readonly [bsid: number, requests: Readonly<Record<string, number>>];

export function readAsked(answer: Json): Asked {
  return answer as unknown as Asked;
}

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
    for (const { buildrequestid, builder } of asked) await write(`Build request ${buildrequestid}: ${builder}\n`);
  } else if (follow) await write(`${JSON.stringify({ event: "requests", buildsetid: bsid, requests: asked })}\n`);
  else await write(formatJson({ buildsetid: bsid, requests: asked }));
  const ids = asked.map(({ buildrequestid }) => buildrequestid);
  return follow ? showFollowedRequests(api, ids, follow, json) : 0;
}
