import { integer, table, text } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** What an account says of its worker beside the limit and the properties; without a row, nothing. */
export const workerAccountOptions: Migration = {
  name: "options of accounts of workers",
  kind: "expand",
  tables: [
    table("mm_worker_account_options", {
      accountid: integer.primary().references("mm_worker_accounts.id"),
      // JSON: the options of a worker in the config.
      options: text,
    }),
  ],
};
