import { createHash } from "node:crypto";

export const bitbucketStates = {
  running: "INPROGRESS",
  success: "SUCCESSFUL",
  failure: "FAILED",
  error: "FAILED",
  cancelled: "FAILED",
};

/** The key of a status: the name, or a hash of one that is too long for Bitbucket. */
export function bitbucketKey(name: string, longest: number): string {
  return name.length <= longest ? name : createHash("sha1").update(name).digest("hex");
}
