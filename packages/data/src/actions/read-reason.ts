import { errors } from "@multimaster/core";
import type { ActionParams } from "../model/define-resource.ts";

/** The optional `reason` of an action. */
export function readReason(params: ActionParams): string {
  const { reason } = params;
  if (reason === undefined || reason === null) return "no reason";
  if (typeof reason !== "string") throw errors.requestInvalid("'reason' must be a string");
  return reason;
}
