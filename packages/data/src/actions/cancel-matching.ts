import { errors, fitsGlob, UserError } from "@multimaster/core";
import { builderNames, findOpenRequests, type OpenRequest } from "@multimaster/database";
import { z } from "zod";
import { type ActionContext, defineAction } from "./action.ts";
import { reason } from "./parameters.ts";
import { reasonOf } from "./reason-of.ts";

/** Requests that one call handles; the answer says whether there are more. */
const mostAtOnce = 500;

const text = z.string().min(1).max(1000);

const filter = z.strictObject({
  /** Names of builders; `*` stands for any text. */
  builders: z.array(text).min(1).max(1000).optional(),
  /** Null: requests without a branch. */
  branch: text.nullable().optional(),
  revision: text.optional(),
  repository: text.optional(),
  project: text.optional(),
  codebase: z.string().max(1000).optional(),
  scheduler: text.optional(),
  /** `pending`: no master has it; `running`: one has. */
  state: z.enum(["pending", "running"]).optional(),
  /** Text in the reason of the request. */
  reason: text.optional(),
  buildsetid: z.int().positive().optional(),
});

const parameters = z
  .strictObject({
    filter,
    reason,
    dry_run: z.boolean().nullish(),
    /** Only requests with a higher id: where a call that returned `more` goes on. */
    after: z.int().nonnegative().nullish(),
  })
  .superRefine(({ filter }, ctx) => {
    if (Object.keys(filter).some((name) => name !== "state")) return;
    ctx.addIssue({ code: "custom", path: ["filter"], message: "'filter' needs at least one field besides 'state'" });
  });

/** What became of a request that matches. */
type Outcome = "cancelled" | "stopping" | "complete" | "refused" | "found";

/**
 * `POST /api/v2/buildrequests`, method `cancel`: cancels all open requests that match a filter, each as the same
 * method of a request does, if the caller may cancel it. With `dry_run` it only lists them. Requests that the caller
 * may not cancel count for nothing: a call passes over any number of them.
 */
export const cancelMatching = defineAction(
  parameters,
  ({ connection, updates, actor, check, trailOf }: ActionContext<null>, _: null, params) => ({
    checksEach: true,
    isUnrecorded: params.dry_run === true,
    async perform() {
      const { filter, reason, dry_run: isDryRun, after } = params;
      const { builders, state, ...rest } = filter;
      const builderids = builders && (await matchBuilders(connection, builders));
      const claimed = state === undefined ? undefined : state === "running";
      const detail = `by a filter: ${JSON.stringify(filter)}`;
      for (let from = after ?? undefined; ; ) {
        const found = await findOpenRequests(connection, { ...rest, builderids, claimed, after: from }, mostAtOnce + 1);
        const requests = found.slice(0, mostAtOnce);
        const more = found.length > mostAtOnce;
        const { handled, refusal } = await handle(requests);
        if (handled.some(({ outcome }) => outcome !== "refused")) return { requests: handled, more };
        from = requests.at(-1)?.buildrequestid;
        if (more) continue;
        // Who may cancel nothing does not learn what there is.
        if (typeof after === "number") return { requests: [], more };
        if (refusal) throw refusal;
        await check(async () => ({ builders: [] }));
        return { requests: [], more };
      }

      async function handle(requests: readonly OpenRequest[]) {
        const handled: { buildrequestid: number; builder: string; branch: string | null; outcome: Outcome }[] = [];
        let refusal: UserError | undefined;
        for (const { owner, claimed: _, ...request } of requests) {
          const about = async () => ({ builders: [request.builder], owner: owner ?? undefined });
          const refused = await refusalOf(() => check(about));
          refusal = refused ?? refusal;
          const outcome = refused ? "refused" : isDryRun ? "found" : await cancel(request.buildrequestid);
          handled.push({ ...request, outcome });
        }
        return { handled, refusal };
      }

      async function cancel(id: number): Promise<Outcome> {
        const why = reasonOf(actor, reason);
        const answer = await updates.buildrequests.cancel(id, why, trailOf(`buildrequests/${id}`, detail));
        return answer === "unknown" ? "complete" : answer;
      }
    },
  }),
);

async function matchBuilders(connection: ActionContext["connection"], globs: readonly string[]): Promise<number[]> {
  const all = await builderNames(connection);
  const matched = all.filter(({ name }) => globs.some((glob) => fitsGlob(name, glob)));
  const unknown = globs.find((glob) => !all.some(({ name }) => fitsGlob(name, glob)));
  if (unknown !== undefined) throw errors.requestInvalid(`'filter.builders': no builder has a name like "${unknown}".`);
  return matched.map(({ id }) => id);
}

async function refusalOf(check: () => Promise<void>): Promise<UserError | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
}
