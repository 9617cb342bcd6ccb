import { z } from "zod";
import type { Found, Query } from "../model/query.ts";
import { type ChangeSource, changesources } from "../resources/changesources.ts";
import type { Updates } from "./index.ts";
import type { StateKey } from "./object-state.ts";

const saved = z.object({ problem: z.string(), at: z.number() });

/** Where the problem of a change source of any kind is stored. */
export function problemKey(changeSource: string): StateKey {
  return { object: changeSource, className: "ChangeSource", name: "problem" };
}

/** As much of `Data` as is read here. */
interface DataOfSources {
  find(resource: typeof changesources, query: Query): Promise<Found<ChangeSource>>;
  readonly updates: Pick<Updates, "changeSources">;
}

/** What keeps change sources from finding changes, as they have reported it since a time. */
export async function readProblems(data: DataOfSources, since: number): Promise<string[]> {
  const problems: string[] = [];
  for (const { name } of (await data.find(changesources, { limit: 100 })).rows) {
    const state = saved.safeParse(await data.updates.changeSources.getState(problemKey(name)));
    if (state.success && state.data.at >= since) problems.push(state.data.problem);
  }
  return problems;
}
