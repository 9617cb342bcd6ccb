import type { Json } from "@multimaster/core";
import type { z } from "zod";
import { defineResource } from "../model/define-resource.ts";
import { bool, datetime, integer, jsonObject, text, wholeSeconds, wholeSecondsOrNull } from "../model/field-kinds.ts";

/** A worker that was added at run time. Its secret is shown when it is made, and stored as a hash alone. */
export const workerAccounts = defineResource({
  name: "worker_account",
  plural: "worker_accounts",
  rights: { isNamed: true, needs: [] },
  id: "accountid",
  from: "mm_worker_accounts a",
  fields: {
    accountid: { schema: integer, sql: "a.id" },
    name: { schema: text, sql: "a.name" },
    max_builds: { schema: integer, sql: "a.max_builds" },
    properties: { schema: jsonObject, sql: "a.properties", read: (value) => JSON.parse(String(value)) as Json },
    /** What it says of the worker beside these, under the names of the config, with times in milliseconds. */
    options: {
      schema: jsonObject,
      sql: "coalesce((select o.options from mm_worker_account_options o where o.accountid = a.id), '{}')",
      read: (value) => JSON.parse(String(value)) as Json,
    },
    /** Whether a worker may use the pb protocol with it. */
    allows_pb: { schema: bool, sql: "a.md5_sealed is not null" },
    made_at: { schema: datetime, sql: "a.made_at", read: wholeSeconds },
    revoked_at: { schema: datetime.nullable(), sql: "a.revoked_at", read: wholeSecondsOrNull },
  },
  order: ["accountid"],
  paths: [
    { pattern: "worker_accounts", kind: "collection" },
    { pattern: "worker_accounts/n:accountid", kind: "single", where: "a.id = :accountid" },
  ],
  events: {
    names: {
      new: "Engines accept the worker; without it, when they next poll.",
      revoked: "Engines disconnect the worker; without it, when they next poll.",
    },
    topics: ["worker_accounts/:accountid"],
  },
});

export type WorkerAccount = z.output<typeof workerAccounts.schema>;
