import { errors } from "@multimaster/core";
import type { Action } from "../define-resource.ts";
import { readReason } from "./read-reason.ts";

type Named = { readonly buildid: number };

/** What people may do to a build; any master performs it, wherever the build runs. */
export const buildActions: Record<"stop" | "rebuild", Action<Named>> = {
  async stop({ updates }, { buildid }, params) {
    await updates.builds.requestStop(buildid, readReason(params));
    return null;
  },
  async rebuild({ updates }, { buildid }) {
    const added = await updates.builds.rebuild(buildid);
    if (added === "unknown") throw errors.notFound(`There is no build ${buildid}.`);
    return [added.bsid, added.requests];
  },
};
