import type { TriggerItem, TriggerItemCount } from "@multimaster/data";
import type { Api } from "./client/api.ts";
import { describeResult } from "./show-build.ts";
import { formatTable, type Terminal } from "./terminal.ts";

/** Items that are read, and those of them that are printed. */
const most = { read: 500, shown: 20 };

export interface BuildItems {
  readonly counts: readonly TriggerItemCount[];
  /** What failed first; 500 at most. */
  readonly items: readonly TriggerItem[];
}

/** What a build's steps build item by item; undefined: nothing. */
export async function readItems(api: Api, buildid: number): Promise<BuildItems | undefined> {
  const { items: counts } = await api.list("trigger_item_counts", `builds/${buildid}/trigger_item_counts`);
  if (counts.length === 0) return undefined;
  const { items } = await api.list("trigger_items", `builds/${buildid}/trigger_items`, { limit: most.read });
  return { counts, items };
}

const stateOf = ({ state, results }: Pick<TriggerItem, "state" | "results">) =>
  state === "ended" ? (results === 3 ? "not built" : describeResult(results)) : state;

/** How many are in which state, and the first of them. */
export function describeItems({ counts, items }: BuildItems, { foreign }: Terminal): string {
  const byState = new Map<string, number>();
  for (const each of counts) byState.set(stateOf(each), (byState.get(stateOf(each)) ?? 0) + each.count);
  const all = counts.reduce((sum, { count }) => sum + count, 0);
  const states = [...byState].map(([state, count]) => `${count} ${state}`).join(", ");
  const rows = items
    .slice(0, most.shown)
    .map((item) => [
      foreign(item.name),
      stateOf(item),
      item.builds.map(({ builder, number }) => `${builder}/${number}`).join(", "),
      foreign(item.note ?? item.reasons.join(" ")),
    ]);
  const left = all - rows.length;
  const rest = left > 0 ? `${left} more; --json prints 500, the build's page all.\n` : "";
  return `${all} items: ${states}\n${formatTable(["item", "state", "build", "what failed, or what it waits for"], rows, "")}${rest}`;
}
