import { z } from "zod";

/** A name that people read and databases keep: something to see in it, and no control characters (PostgreSQL has no NUL). */
export const plainName = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^(?:$|\P{Cc}*[^\s\p{Cc}]\P{Cc}*$)/u, "must not be blank or hold control characters");
