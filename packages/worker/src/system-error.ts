import { getSystemErrorMap } from "node:util";

/** The positive errno of an operating system error, or undefined. */
export function errnoOf(error: unknown): number | undefined {
  const { errno } = error as NodeJS.ErrnoException;
  return typeof errno === "number" && errno < 0 ? -errno : undefined;
}

/** The operating system's description of the error. */
export function describeSystemError(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException;
  return (errno === undefined ? undefined : getSystemErrorMap().get(errno)?.[1]) ?? message;
}
