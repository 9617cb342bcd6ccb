import { z } from "zod";
import type { StateKey } from "../contract.ts";
import type { Data } from "../data.ts";
import { changesources } from "../resources/changesources.ts";

const saved = z.object({ problem: z.string(), at: z.number() });

/** Where a change source's problem is kept, whatever its kind. */
export function problemKey(changeSource: string): StateKey {
  return { object: changeSource, className: "ChangeSource", name: "problem" };
}

/** What keeps change sources from finding changes, as they have reported it since a time. */
export async function readProblems(data: Data, since: number): Promise<string[]> {
  const problems: string[] = [];
  for (const { name } of (await data.find(changesources, { limit: 100 })).rows) {
    const state = saved.safeParse(await data.updates.changeSources.getState(problemKey(name)));
    if (state.success && state.data.at >= since) problems.push(state.data.problem);
  }
  return problems;
}
