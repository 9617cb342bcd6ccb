import { double, index, serial, table, text, unique, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Who is logged in, and which programs may call: seen by all ui masters. Of what is secret only hashes are kept. */
export const logins: Migration = {
  name: "sessions and API tokens",
  kind: "expand",
  tables: [
    table(
      "mm_sessions",
      {
        id_hash: varchar(64).primary(),
        // Which kind of login: when the config chooses another one, its users are logged out.
        method: varchar(32),
        username: varchar(255),
        // JSON: what the login reported about the user.
        user_info: text,
        began_at: double,
        expires_at: double,
      },
      index("mm_sessions_username", "username"),
      index("mm_sessions_expires_at", "expires_at"),
    ),
    // Logins that have gone to a provider and are not back yet, whichever master they come back to.
    table(
      "mm_begun_logins",
      { id_hash: varchar(64).primary(), kept: text, expires_at: double },
      index("mm_begun_logins_expires_at", "expires_at"),
    ),
    table(
      "mm_api_tokens",
      {
        id: serial,
        // Free again when the token has been revoked.
        name: varchar(255),
        token_hash: varchar(64),
        // JSON: names of roles.
        roles: text,
        scope: varchar(8),
        made_at: double,
        expires_at: double.nullable(),
        used_at: double.nullable(),
        revoked_at: double.nullable(),
      },
      unique("mm_api_tokens_token_hash", "token_hash"),
      { name: "mm_api_tokens_name", columns: ["name"], unique: true, where: "revoked_at is null" },
    ),
  ],
};
