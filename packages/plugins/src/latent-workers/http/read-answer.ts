import { describePlainly } from "@multimaster/core";
import type { z } from "zod";
import { parseOrUndefined } from "./ask-server.ts";

/** The answer of a server, which `who` names: JSON of this shape. Anything else is an error of one sentence. */
export function readAnswer<S extends z.ZodType>(text: string, shape: S, who: string): z.output<S> {
  const value = parseOrUndefined(text);
  if (value === undefined) throw new Error(`${who} answered with something else than JSON: correct its URL`);
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue?.path.map(String).join(".") || "the answer";
  throw new Error(
    `${who} answered with something else than its API: ${where}: ${issue ? describePlainly(issue) : "?"}`,
  );
}
