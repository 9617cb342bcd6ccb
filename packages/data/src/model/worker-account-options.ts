import { duration, positiveDuration } from "@multimaster/core";
import { z } from "zod";

/** What an account may say of its worker, as the workers of the config do. As clients send it. */
export const sentAccountOptions = {
  keep_alive: positiveDuration.optional(),
  missing_timeout: duration.nullable().optional(),
  quarantine_after: z.int().positive().nullable().optional(),
  probation_after: duration.nullable().optional(),
  owned_by: z.string().min(1).max(255).optional(),
  note: z.string().max(2000).optional(),
};

const milliseconds = z.number().nonnegative();

/** As it is stored, and as engines use it: under the names of the config, with times in milliseconds. */
const storedAccountOptions = z.object({
  keepAlive: milliseconds.optional(),
  missingTimeout: milliseconds.nullable().optional(),
  quarantineAfter: z.int().positive().nullable().optional(),
  probationAfter: milliseconds.nullable().optional(),
  owner: z.string().optional(),
  note: z.string().optional(),
});

export type WorkerAccountOptions = z.output<typeof storedAccountOptions>;

type Sent = z.output<z.ZodObject<typeof sentAccountOptions>>;

/** The options that were given, under their names in the config. */
export function readAccountOptions(sent: Sent): WorkerAccountOptions {
  const { keep_alive, missing_timeout, quarantine_after, probation_after, owned_by: owner, note } = sent;
  return {
    ...(keep_alive !== undefined && { keepAlive: keep_alive }),
    ...(missing_timeout !== undefined && { missingTimeout: missing_timeout }),
    ...(quarantine_after !== undefined && { quarantineAfter: quarantine_after }),
    ...(probation_after !== undefined && { probationAfter: probation_after }),
    ...(owner !== undefined && { owner }),
    ...(note !== undefined && { note }),
  };
}

export function parseAccountOptions(text: string | null): WorkerAccountOptions {
  return text === null ? {} : storedAccountOptions.parse(JSON.parse(text));
}
