import { z } from "zod";

/** The name with which a worker logs in. */
export const workerName = z
  .string()
  .max(50, "must have at most 50 characters")
  .regex(/^[a-zA-Z_-][a-zA-Z0-9._-]*$/, "must be a letter, then letters, digits, '.', '_' or '-'");
