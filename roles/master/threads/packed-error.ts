import { type Lease, LeaseLost } from "@multimaster/cluster";
import { UserError } from "@multimaster/core";

/** An error on its way from one thread to another: what its receiver decides by, and what people read. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  /** By it the database's dialect knows whether the database is at fault. */
  readonly code: string | undefined;
  readonly user: { readonly status: number; readonly exitCode: number } | undefined;
  readonly lease: Lease | undefined;
  readonly cause: PackedError | undefined;
}

/** Errors may be caused by each other in a circle. */
const deepest = 8;

export function packError(error: unknown, depth = 0): PackedError {
  const given = error instanceof Error ? error : new Error(String(error));
  const code = "code" in given && given.code !== undefined ? String(given.code) : undefined;
  return {
    name: given.name,
    message: given.message,
    stack: given.stack,
    code,
    user: given instanceof UserError ? { status: given.status, exitCode: given.exitCode } : undefined,
    lease: given instanceof LeaseLost ? given.lease : undefined,
    cause: given.cause === undefined || depth === deepest ? undefined : packError(given.cause, depth + 1),
  };
}

export function unpackError(packed: PackedError): Error {
  const { name, message, stack, code, user, lease } = packed;
  const cause = packed.cause && unpackError(packed.cause);
  const options = cause === undefined ? undefined : { cause };
  if (lease) return new LeaseLost(lease);
  if (user) return new UserError(code ?? name, user, message, options);
  const error = new Error(message, options);
  return Object.assign(error, { name, ...(stack && { stack }), ...(code !== undefined && { code }) });
}
