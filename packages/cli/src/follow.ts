import { type Result, Results, worstResult } from "@multimaster/core";
import type { Api } from "./client/api.ts";
import { type ClientFlags, connect } from "./client/connect.ts";
import { type BuildEvent, type FollowOptions, followBuild, followRequest } from "./client/follow-build.ts";
import { exitCodeOf, showBuild, showBuildAsJson } from "./show-build.ts";
import { interruptOnSignals } from "./signals.ts";
import { openTerminal, type Terminal } from "./terminal.ts";

/** The exit code that shells report for a program ended by Ctrl-C. */
const interruptedCode = 130;

/** Runs a following command until it ends or Ctrl-C, which ends only the following; returns the exit code. */
export async function following(
  flags: ClientFlags,
  act: (api: Api, signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const { interrupted, ignore } = interruptOnSignals();
  try {
    return await act(await connect(flags, interrupted), interrupted);
  } catch (error) {
    if (!interrupted.aborted || error !== interrupted.reason) throw error;
    process.stderr.write("\nStopped following; the build continues.\n");
    return interruptedCode;
  } finally {
    ignore();
  }
}

/** Shows a build to its end; returns the exit code for its result. */
export async function showFollowedBuild(
  api: Api,
  buildid: number,
  options: FollowOptions,
  json: boolean | undefined,
): Promise<number> {
  return exitCodeOf(await showEvents(followBuild(api, buildid, options), openTerminal(), json));
}

/** Shows build requests one after the other, without losing lines of later ones; the worst result counts. */
export async function showFollowedRequests(
  api: Api,
  ids: readonly number[],
  signal: AbortSignal,
  json: boolean | undefined,
): Promise<number> {
  const terminal = openTerminal();
  let worst: Result = Results.SKIPPED;
  for (const id of ids) {
    worst = worstResult(worst, (await showEvents(followRequest(api, id, { signal }), terminal, json)) as Result);
  }
  return exitCodeOf(worst);
}

async function showEvents(
  events: AsyncGenerator<BuildEvent, number>,
  terminal: Terminal,
  json: boolean | undefined,
): Promise<number> {
  const show = json ? showBuildAsJson(terminal) : showBuild(terminal);
  for (;;) {
    const next = await events.next();
    if (next.done) return next.value;
    await show(next.value);
  }
}
