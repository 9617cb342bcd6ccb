import { errors, fitsGlob, UserError } from "@multimaster/core";
import { builderNames, findOpenRequests, type OpenRequest } from "@multimaster/database";
import { z } from "zod";
import { type ActionContext, defineAction } from "./action.ts";
import { reason } from "./parameters.ts";

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

const parameters = z.strictObject({ filter, reason, dry_run: z.boolean().nullish() }).superRefine(({ filter }, ctx) => {
  if (Object.keys(filter).some((name) => name !== "state")) return;
  ctx.addIssue({ code: "custom", path: ["filter"], message: "'filter' must say which requests, by more than 'state'" });
});

/** What became of a request that matches. */
type Outcome = "cancelled" | "stopping" | "complete" | "refused" | "found";

/**
 * `POST /api/v2/buildrequests`, method `cancel_matching`: cancels all open requests that match a filter, each as the method
 * `cancel` of a request does, if the caller may cancel it. With `dry_run` it only lists them.
 */
export const cancelMatching = defineAction(
  parameters,
  ({ connection, updates, check, trailOf }: ActionContext<null>, _: null, { filter, reason, dry_run: isDryRun }) => ({
    checksEach: true,
    isUnrecorded: isDryRun === true,
    async perform() {
      const { builders, state, ...rest } = filter;
      const builderids = builders && (await matchBuilders(connection, builders));
      const claimed = state === undefined ? undefined : state === "running";
      const found = await findOpenRequests(connection, { ...rest, builderids, claimed }, mostAtOnce + 1);
      const requests = found.slice(0, mostAtOnce);
      // Who may cancel nothing does not learn what there is.
      if (requests.length === 0) await check(async () => ({ builders: [] }), "cancel");
      const detail = `by a filter: ${JSON.stringify(filter)}`;
      const handled: { buildrequestid: number; builder: string; branch: string | null; outcome: Outcome }[] = [];
      let refusal: UserError | undefined;
      for (const { owner, claimed: _, ...request } of requests) {
        refusal = await refusalOf(() =>
          check(async () => ({ builders: [request.builder], owner: owner ?? undefined }), "cancel"),
        );
        const { buildrequestid } = request;
        const outcome = refusal ? "refused" : isDryRun ? "found" : await cancel(buildrequestid);
        handled.push({ ...request, outcome });
      }
      if (refusal && handled.every(({ outcome }) => outcome === "refused")) throw refusal;
      return { requests: handled, more: found.length > mostAtOnce };

      async function cancel(id: number): Promise<Outcome> {
        const answer = await updates.buildrequests.cancel(id, reason, trailOf(`buildrequests/${id}`, detail));
        return answer === "unknown" ? "complete" : answer;
      }
    },
  }),
);

async function matchBuilders(connection: ActionContext["connection"], globs: readonly string[]): Promise<number[]> {
  const all = await builderNames(connection);
  const matched = all.filter(({ name }) => globs.some((glob) => fitsGlob(name, glob)));
  const unknown = globs.find((glob) => !all.some(({ name }) => fitsGlob(name, glob)));
  if (unknown !== undefined) throw errors.requestInvalid(`'filter.builders': there is no builder "${unknown}".`);
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

export type MatchedRequest = Pick<OpenRequest, "buildrequestid" | "builder" | "branch"> & { outcome: Outcome };
