import { double, integer, serial, table, text, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Workers that were added at run time. Their secrets are long and random, so a plain hash of one is enough to check it. */
export const workerAccounts: Migration = {
  name: "accounts of workers",
  kind: "expand",
  tables: [
    table(
      "mm_worker_accounts",
      {
        id: serial,
        // Free again when the account has been revoked.
        name: varchar(50),
        secret_hash: varchar(64),
        // MD5 of the secret, for pb, sealed with a key that is not in the database.
        md5_sealed: varchar(255).nullable(),
        max_builds: integer,
        // JSON: properties of its builds.
        properties: text,
        made_at: double,
        revoked_at: double.nullable(),
      },
      { name: "mm_worker_accounts_name", columns: ["name"], unique: true, where: "revoked_at is null" },
    ),
  ],
};
