import type { UiSlice } from "@multimaster/config";
import { errors, type Logger } from "@multimaster/core";
import { changesources, type Data, type NewChange } from "@multimaster/data";
import type { HookAnswer, HookRerun } from "@multimaster/plugins";
import type { RoleContext } from "../../define-role.ts";

/** Applies a hook's result, and returns the answer to the forge. `deliveryOf` returns the delivery's id for a number of changes. */
export async function applyHookResult(
  { data, log, config }: Pick<RoleContext<UiSlice>, "data" | "log" | "config">,
  answer: HookAnswer,
  deliveryOf: (count: number) => string | undefined,
): Promise<{ status: number; text: string }> {
  if ("ignored" in answer) return { status: 200, text: `no change found: ${answer.ignored}` };
  if ("polls" in answer) {
    await poll(data, answer.polls);
    return { status: 202, text: "no change found" };
  }
  if ("rerun" in answer) return rerun(data, log, config.shared.name, answer.rerun);
  const { changes } = answer;
  if (changes.length === 0) return { status: 200, text: "no change found: the hook's options excluded all" };
  const delivery = deliveryOf(changes.length);
  const ids = await data.updates.changes.addDelivered(delivery, changes.map(nameNoOwner)).catch((error: unknown) => {
    throw data.explainDatabase(error) ?? error;
  });
  if (ids.length === 0) return { status: 202, text: "no change found: this delivery was stored before" };
  log.info({ changes: ids.length, repository: changes[0]?.repository }, "a hook added changes");
  return { status: 202, text: `${ids.length} change found` };
}

/** Removes the owner: a build's owner decides who may stop it, and a change's sender must not choose that. */
function nameNoOwner(change: NewChange): NewChange {
  const { owner, ...properties } = change.properties ?? {};
  return owner === undefined ? change : { ...change, properties: { change_owner: owner, ...properties } };
}

async function poll(data: Data, names: readonly string[] | "all"): Promise<void> {
  const { rows } = await data.find(changesources);
  const unknown = names === "all" ? [] : names.filter((name) => !rows.some((row) => row.name === name));
  if (unknown.length > 0) throw errors.requestInvalid(`There is no change source ${unknown.join(", ")}.`);
  const asked = rows.filter(({ name }) => names === "all" || names.includes(name));
  await data.updates.changeSources.requestPolls(asked.map(({ changesourceid }) => changesourceid));
}

/** Of a column of ids. */
const largestId = 2 ** 31 - 1;

/** Runs builds again that were reported to the forge; what was not, or runs already, is said and does not fail. */
async function rerun(data: Data, log: Logger, cluster: string, { externalId, by, ...wanted }: HookRerun) {
  const buildid = externalId === undefined ? undefined : buildOf(externalId, cluster);
  if (buildid === null) return { status: 200, text: `nothing runs again: "${externalId}" is no check of this cluster` };
  const reason = `run again, asked for by ${by.replaceAll(/[^\w .@-]/g, "").slice(0, 100)}`;
  const { added, running } = await data.updates.builds.rerun({ ...wanted, buildid, reason });
  if (added > 0) {
    log.info({ builds: added, target: wanted.target, by }, "a hook asked to run builds again");
    return { status: 202, text: `${added} ${added === 1 ? "build runs" : "builds run"} again` };
  }
  const why = running > 0 ? "what was asked for has not ended" : "no build was reported as this, or it is too long ago";
  return { status: 200, text: `nothing runs again: ${why}` };
}

/** The id of a build that a reporter of this cluster has named; null: another cluster's, or none. */
function buildOf(externalId: string, cluster: string): number | null {
  const id = externalId.startsWith(`${cluster}-`) ? externalId.slice(cluster.length + 1) : "";
  return /^[1-9]\d{0,9}$/.test(id) && Number(id) <= largestId ? Number(id) : null;
}
