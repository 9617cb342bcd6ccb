import { defineError, unavailable, usage } from "./define-error.ts";

/** Errors of the database: unreachable, unsuitable, of another release, or refusing. */
export const databaseErrors = {
  databaseUnreachable: defineError(
    "DATABASE_UNREACHABLE",
    unavailable,
    (where: string, why: string) => `The database ${where} cannot be reached: ${why}.`,
  ),
  databaseUnusable: defineError(
    "DATABASE_UNUSABLE",
    unavailable,
    (reason: string, words: string) =>
      `The database cannot be used: ${reason} (${words}). docs/database.md lists the requirements.`,
  ),
  databaseUrlInvalid: defineError(
    "DATABASE_URL_INVALID",
    usage,
    (url: string) =>
      `"${url}" is not a database URL; use sqlite:FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME (PostgreSQL and SQLite are supported).`,
  ),
  databaseUrlUnescaped: defineError(
    "DATABASE_URL_UNESCAPED",
    usage,
    () =>
      "The database URL has characters in its password or name that end it early: write / as %2F, ? as %3F, # as %23, @ as %40.",
  ),
  databaseUrlPooler: defineError(
    "DATABASE_URL_POOLER",
    usage,
    (given: string, modes: readonly string[]) =>
      `The database URL says pooler=${given}; it must be one of ${modes.join(", ")}.`,
  ),
  databaseUrlTarget: defineError(
    "DATABASE_URL_TARGET",
    usage,
    (given: string, targets: readonly string[]) =>
      `The database URL says target_session_attrs=${given}, but a master writes; it must be one of ${targets.join(", ")}.`,
  ),
  notifyBehindPooler: defineError(
    "NOTIFY_BEHIND_POOLER",
    usage,
    () =>
      "bus.notify needs dedicated database sessions, which a connection pooler does not provide: use a router, or connect to PostgreSQL itself; where the pooler pools sessions, add ?pooler=session to the database URL.",
  ),
  databaseTls: defineError("DATABASE_TLS", usage, (why: string) => `The database URL cannot be used for TLS: ${why}.`),
  databaseNotUpgraded: defineError(
    "DATABASE_NOT_UPGRADED",
    unavailable,
    (found: string, wanted: string) =>
      `The database schema is at ${found}, this release needs ${wanted}; run "master upgrade-database" first.`,
  ),
  databaseTooNew: defineError(
    "DATABASE_TOO_NEW",
    unavailable,
    (found: string, known: string) =>
      `The database schema is at ${found}, newer than the ${known} this release knows; start a newer release of the master.`,
  ),
  tablesInUse: defineError(
    "TABLES_IN_USE",
    unavailable,
    (migration: string) =>
      `"${migration}" is not applied: another session, such as a backup, has held locks on the tables for a minute; run "master upgrade-database" again when it has ended.`,
  ),
  databaseOfOtherBuildbot: defineError(
    "DATABASE_OF_OTHER_BUILDBOT",
    unavailable,
    (found: string, wanted: string) =>
      `The database's Buildbot schema is at ${found}; ${wanted} (Buildbot 4.3.0) is needed, and "master upgrade-database" makes that of 058 (Buildbot 2.10) and later ones; upgrade it with "buildbot upgrade-master" of Buildbot 2.10.5 first (docs/from-buildbot.md).`,
  ),
  databaseOfEarlierBuildbot: defineError(
    "DATABASE_OF_EARLIER_BUILDBOT",
    unavailable,
    (found: string, wanted: string) =>
      `The database's Buildbot schema is at ${found}, ${wanted} (Buildbot 4.3.0) is needed: stop Buildbot, back the database up, and run "master upgrade-database".`,
  ),
  earlierBuildbotRuns: defineError(
    "EARLIER_BUILDBOT_RUNS",
    unavailable,
    (name: string, seconds: number) =>
      `The Buildbot master ${name} still uses the database (it wrote ${seconds} s ago), and could not after the upgrade: stop it first. One that was killed counts as ended after ten minutes.`,
  ),
  releaseTooOld: defineError(
    "RELEASE_TOO_OLD",
    unavailable,
    (own: number, cluster: number) =>
      `The cluster writes data version ${cluster}, this release knows no newer one than ${own}; start a newer release of the master.`,
  ),
  releaseTooNew: defineError(
    "RELEASE_TOO_NEW",
    unavailable,
    (oldest: number, newest: number, cluster: number) =>
      `The cluster writes data version ${cluster}, this release knows ${oldest} to ${newest}; run a release in between first, on all masters.`,
  ),
  mastersNeedSchema: defineError(
    "MASTERS_NEED_SCHEMA",
    unavailable,
    (migration: string, masters: readonly string[]) =>
      `"${migration}" is not applied: it removes what the running masters ${masters.join(", ")} need; replace them with a newer release, then run "master upgrade-database" again.`,
  ),
  sqliteFileInUse: defineError(
    "SQLITE_FILE_IN_USE",
    unavailable,
    (file: string) =>
      `Another master already uses the SQLite file ${file}; one SQLite file serves one master, use PostgreSQL for a cluster.`,
  ),
  backupByServer: defineError(
    "BACKUP_BY_SERVER",
    usage,
    (database: string) =>
      `"backup" is for SQLite; ${database} is backed up by PostgreSQL's own tools, also while masters run: pg_dump --format=custom --file=FILE "$DATABASE_URL".`,
  ),
  backupSourceMissing: defineError(
    "BACKUP_SOURCE_MISSING",
    unavailable,
    (file: string) => `There is no SQLite file ${file}: the master of this config has not run yet.`,
  ),
  backupFileTaken: defineError(
    "BACKUP_FILE_TAKEN",
    usage,
    (file: string) => `Nothing was written: ${file} is there already; name a file that is not there.`,
  ),
  backupFileRefused: defineError(
    "BACKUP_FILE_REFUSED",
    unavailable,
    (file: string, why: string) => `Nothing was written: ${file} cannot be written (${why}).`,
  ),
  copyTargetNotEmpty: defineError(
    "COPY_TARGET_NOT_EMPTY",
    unavailable,
    (target: string, table: string) =>
      `Nothing was copied: ${target} has rows already (in "${table}"); rows are copied only into a database that no master has used.`,
  ),
  copySchemasDiffer: defineError(
    "COPY_SCHEMAS_DIFFER",
    unavailable,
    (from: string, to: string, names: readonly string[]) =>
      `Nothing was copied: ${from} has "${names.join('", "')}", which ${to} lacks; bring both to the same release with its "master upgrade-database".`,
  ),
  copyNeedsEngines: defineError(
    "COPY_NEEDS_ENGINES",
    usage,
    (from: string, to: string) =>
      `"copy-database" copies a SQLite file (--from) into the PostgreSQL database that the config names; these are ${from} and ${to}.`,
  ),
  copySourceMissing: defineError(
    "COPY_SOURCE_MISSING",
    usage,
    (file: string) => `There is no SQLite file ${file}; --from names the file that the masters have used until now.`,
  ),
  databaseAway: defineError(
    "DATABASE_AWAY",
    unavailable,
    () => "The database does not answer, so nothing was stored; send this again later.",
  ),
  databaseRefuses: defineError(
    "DATABASE_REFUSES",
    unavailable,
    (reason: string) => `The database answers but refuses: ${reason}. Nothing was stored; send this again later.`,
  ),
} as const;
