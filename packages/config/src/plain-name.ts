import { z } from "zod";

/** A name for people and databases: at least one visible character, and no control characters (PostgreSQL stores no NUL). */
export const plainName = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .regex(/^(?:$|\P{Cc}*[^\s\p{Cc}]\P{Cc}*$)/u, "must not be blank or contain control characters");
