import { errors } from "@multimaster/core";
import type { Action } from "../define-resource.ts";
import { readReason } from "./read-reason.ts";

type Named = { readonly buildrequestid: number };

/** What people may do to a build request; any master performs it, wherever the request is claimed. */
export const buildRequestActions: Record<"cancel" | "set_priority", Action<Named>> = {
  async cancel({ updates }, { buildrequestid }, params) {
    await updates.buildrequests.cancel(buildrequestid, readReason(params));
    return null;
  },
  async set_priority({ updates }, { buildrequestid }, { priority }) {
    if (typeof priority !== "number" || !Number.isInteger(priority) || Math.abs(priority) > 2 ** 31 - 1) {
      throw errors.requestInvalid("'priority' must be given as an integer");
    }
    await updates.buildrequests.setPriority(buildrequestid, priority);
    return null;
  },
};
