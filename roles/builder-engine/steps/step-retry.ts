import { formatDuration, Results } from "@multimaster/core";
import type { StepContext, StepEnd, StepRetry } from "@multimaster/plugins";

/** Runs a step until it does not fail, or has been tried again often enough; each failed attempt leaves a line in its log. */
export async function runAttempts(
  ctx: Pick<StepContext, "log" | "sleep" | "setState">,
  retry: StepRetry | undefined,
  run: (attempt: number) => Promise<StepEnd>,
): Promise<StepEnd> {
  for (let attempt = 1; ; attempt++) {
    const end = await run(attempt);
    if (retry === undefined || attempt > retry.times || !isTriedAgain(retry, end)) return end;
    const { delay, times } = retry;
    const next = `attempt ${attempt + 1} of ${times + 1} ${delay === 0 ? "follows" : `follows in ${formatDuration(delay)}`}`;
    const failed = `attempt ${attempt} failed${end.reason === undefined ? "" : ` (${end.reason})`}`;
    await (await ctx.log("stdio", "s")).write(`${failed}; ${next}\n`, "header");
    ctx.setState(`${failed}; ${next}`);
    if (delay > 0) await ctx.sleep(delay);
  }
}

function isTriedAgain({ on }: StepRetry, { results, rc }: StepEnd): boolean {
  if (results !== Results.FAILURE) return false;
  return on === undefined || (rc !== undefined && on.includes(rc));
}
