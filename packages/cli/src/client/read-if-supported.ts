import { errors, UserError } from "@multimaster/core";

/** Reads data that a master of an older release, or of Buildbot, may not provide. */
export async function readIfSupported<T>(url: string, what: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof UserError && error.code === "NOT_FOUND" && /invalid path/i.test(error.message))
      throw errors.uiTooOld(url, what);
    throw error;
  }
}
