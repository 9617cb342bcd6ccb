import { errors, type Result, resultName } from "@multimaster/core";
import { z } from "zod";
import { aboutBuild } from "./about-build.ts";
import { type ActionContext, defineAction } from "./action.ts";
import { awaitOutcome } from "./await-outcome.ts";
import { addNote, comment } from "./notes.ts";
import { reason, wait } from "./parameters.ts";
import { reasonOf } from "./reason-of.ts";

export interface BuildNow {
  readonly buildid: number;
  readonly builderid: number;
  readonly buildrequestid: number;
  readonly complete: boolean;
  readonly results: number | null;
  readonly state_string: string;
}

/** What people may do to a build; any master performs it, wherever the build runs. */
export const buildActions = {
  stop: defineAction(
    z.object({ wait, reason }),
    ({ connection, updates, actor, trail, reload }, build: BuildNow, { wait, reason }) => {
      const { buildid } = build;
      return {
        about: aboutBuild(connection, build),
        async perform() {
          if ((await updates.builds.requestStop(buildid, reasonOf(actor, reason), trail)) !== "stopping")
            throw errors.alreadyOver(`The build ${buildid}`, nameResult((await reload()).results));
          return awaitOutcome(wait, async () => {
            const { complete, results, state_string } = await reload();
            return { done: complete, answer: { complete, results, state_string } };
          });
        },
      };
    },
  ),
  /** Retention deletes neither a build that is kept nor its logs. */
  keep: defineAction(
    z.object({ reason: z.string().max(1000).nullable().default(null) }),
    ({ connection, updates, actor, trail }, build: BuildNow, { reason }) => ({
      about: aboutBuild(connection, build),
      async perform() {
        const { buildid } = build;
        if (!(await updates.retention.keep(buildid, { who: actor.identity, name: actor.name, reason }, trail)))
          throw errors.notFound(`There is no build ${buildid}.`);
        return null;
      },
    }),
  ),
  release: defineAction(z.object({}), ({ connection, updates, trail }, build: BuildNow) => ({
    about: aboutBuild(connection, build),
    async perform() {
      // Releasing what no one keeps changes nothing, and is no mistake.
      await updates.retention.releaseBuild(build.buildid, trail);
      return null;
    },
  })),
  /** Says something about the build; plain text. */
  comment: defineAction(comment, (context: ActionContext<BuildNow>, build: BuildNow, { text }) => ({
    about: aboutBuild(context.connection, build),
    perform: () => addNote(context, { buildid: build.buildid }, { kind: "comment", words: text }),
  })),
  rebuild: defineAction(z.object({}), ({ connection, updates, actor, trail }, build: BuildNow) => {
    const { buildid } = build;
    return {
      about: aboutBuild(connection, build),
      async perform() {
        const added = await updates.builds.rebuild(buildid, { asker: actor, trail });
        if (added === "unknown") throw errors.notFound(`There is no build ${buildid}.`);
        return [added.bsid, added.requests] as const;
      },
    };
  }),
};

/** The name of a row's result code. */
export function nameResult(results: number | null): string {
  return results === null ? "without a result" : (resultName(results as Result) ?? String(results));
}
