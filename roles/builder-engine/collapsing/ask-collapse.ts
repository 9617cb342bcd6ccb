import { type CollapseFunction, type CollapsingRequest, collapseAnswer } from "@multimaster/config";
import { type Clock, callContained, describeCause, type Json, waitAtMost } from "@multimaster/core";
import type { RequestDetails } from "@multimaster/data";
import { type Hide, hideInError } from "../logs/hide-secrets.ts";

/** Longest time that a function of the config may take. */
const answerMs = 10_000;

/** A function of the config that gave no answer. */
export class CollapseProblem extends Error {}

/** Asks a function of the config about two requests; null: they do not collapse. */
export async function askCollapse(
  decide: CollapseFunction,
  question: Parameters<CollapseFunction>[0],
  { clock, signal, hide }: { readonly clock: Clock; readonly signal: AbortSignal; readonly hide: Hide },
): Promise<{ readonly properties: Readonly<Record<string, Json>> } | null> {
  const { newer, older } = question;
  const about = `for the build requests ${newer.buildrequestid} and ${older.buildrequestid}`;
  let answer: unknown;
  try {
    answer = await waitAtMost(clock, answerMs, Promise.resolve(callContained(() => decide(question))), signal);
  } catch (error) {
    throw new CollapseProblem(`the function "collapseRequests" failed ${about} (${hide(describeCause(error))})`, {
      cause: hideInError(error, hide),
    });
  }
  if (answer === undefined)
    throw new CollapseProblem(`the function "collapseRequests" returned nothing within ${answerMs / 1000} s ${about}`);
  const parsed = collapseAnswer.safeParse(answer);
  if (!parsed.success)
    throw new CollapseProblem(`the function "collapseRequests" returned neither a boolean nor properties ${about}`);
  if (parsed.data === false) return null;
  return parsed.data === true ? { properties: {} } : parsed.data;
}

/** A request as the function sees it. */
export function showRequest(details: RequestDetails, builder: string): CollapsingRequest {
  const { buildrequestid, buildsetid, reason, waitedFor, sourceStamps, changes } = details;
  const properties = Object.fromEntries(Object.entries(details.properties).map(([name, [value]]) => [name, value]));
  return { buildrequestid, buildsetid, builder, reason, waitedFor, properties, sourceStamps, changes };
}
