import type { TriggerItem, TriggerItemCount } from "@multimaster/data";
import { type Standing, standingOf } from "./result.ts";

type ItemState = Pick<TriggerItem, "state" | "results">;

/** The standing of an item: that of its builds, or of what has not been built. */
export function kindOfItem({ state, results }: ItemState): Standing {
  if (state === "ended") return standingOf({ complete: true, results });
  if (state === "abandoned") return "cancelled";
  return state === "building" ? "running" : "pending";
}

/** The word for it: "skipped" alone would not say that nothing was built. */
export function wordOfItem(item: ItemState): string {
  if (item.state !== "ended") return item.state;
  const standing = kindOfItem(item);
  return standing === "skipped" ? "not built" : standing;
}

export interface ItemKind extends ItemState {
  readonly word: string;
  readonly count: number;
}

const order = [2, 4, 6, 5, null, 1, 3, 0];

/** How many items of a build are of each kind, over all of its steps: what failed comes first. */
export function countKinds(counts: readonly TriggerItemCount[]): ItemKind[] {
  const kinds = new Map<string, ItemKind>();
  for (const { state, results, count } of counts) {
    const word = wordOfItem({ state, results });
    kinds.set(word, { state, results, word, count: count + (kinds.get(word)?.count ?? 0) });
  }
  return [...kinds.values()].sort((a, b) => order.indexOf(a.results) - order.indexOf(b.results));
}
