import type { Migration } from "../migration.ts";

/** What keeps a session in step with the config and with its provider. */
export const sessionChecks: Migration = {
  name: "sessions that are checked again",
  kind: "expand",
  statements: ({ name }) =>
    [
      // Of the password's hash with which it began: another password ends it.
      "fingerprint varchar(64)",
      // What the provider gave to ask again, encrypted with the session's id, which no row holds.
      "grant_box text",
      // When the provider last confirmed the user, and when a master last asked it to.
      name === "postgresql" ? "asked_at double precision" : "asked_at double",
      name === "postgresql" ? "checked_at double precision" : "checked_at double",
    ].map((column) => `alter table mm_sessions add column ${column}`),
};
