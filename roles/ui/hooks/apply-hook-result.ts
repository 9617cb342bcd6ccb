import type { UiSlice } from "@multimaster/config";
import { errors } from "@multimaster/core";
import { changesources, type Data, type NewChange } from "@multimaster/data";
import type { HookAnswer } from "@multimaster/plugins";
import type { RoleContext } from "../../define-role.ts";

/** Applies a hook's result, and returns the answer to the forge. `deliveryOf` returns the delivery's id for a number of changes. */
export async function applyHookResult(
  { data, log }: Pick<RoleContext<UiSlice>, "data" | "log">,
  answer: HookAnswer,
  deliveryOf: (count: number) => string | undefined,
): Promise<{ status: number; text: string }> {
  if ("ignored" in answer) return { status: 200, text: `no change found: ${answer.ignored}` };
  if ("polls" in answer) {
    await poll(data, answer.polls);
    return { status: 202, text: "no change found" };
  }
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
