import { defineError, unavailable, usage } from "./define-error.ts";

/** Errors of a config or a command line, and missing resources of this machine. */
export const configErrors = {
  configInvalid: defineError("CONFIG_INVALID", usage, (problems: readonly string[], warnings: readonly string[] = []) =>
    [
      `The config has ${problems.length === 1 ? "an error" : `${problems.length} errors`}:`,
      ...problems.map((p) => `  ${p}`),
      ...(warnings.length === 0
        ? []
        : [`It also has ${warnings.length === 1 ? "a warning" : `${warnings.length} warnings`}:`]),
      ...warnings.map((warning) => `  ${warning}`),
    ].join("\n"),
  ),
  configNotFound: defineError(
    "CONFIG_NOT_FOUND",
    usage,
    (file: string) => `No config file at ${file}; write one with "master init DIR" or name yours with --config FILE.`,
  ),
  configExists: defineError("CONFIG_EXISTS", usage, (file: string) => `${file} already exists; nothing was written.`),
  cannotWrite: defineError(
    "CANNOT_WRITE",
    unavailable,
    (where: string, why: string) => `${where} cannot be written: ${why}.`,
  ),
  buildbotMissing: defineError(
    "BUILDBOT_MISSING",
    unavailable,
    (python: string) =>
      `${python} cannot be run, or cannot import Buildbot; name the Python of the farm with --python, such as --python /srv/buildbot/bin/python.`,
  ),
  buildbotNotRead: defineError(
    "BUILDBOT_NOT_READ",
    usage,
    (file: string, why: string) => `${file} cannot be imported: ${why}.`,
  ),
  buildersNeedEngine: defineError(
    "BUILDERS_NEED_ENGINE",
    usage,
    () => "--builders chooses what a builder-engine runs; this master does not have that role.",
  ),
  unknownRole: defineError(
    "UNKNOWN_ROLE",
    usage,
    (role: string, known: readonly string[]) => `There is no role "${role}" (have: ${known.join(", ")}).`,
  ),
  unknownBuilderSet: defineError(
    "UNKNOWN_BUILDER_SET",
    usage,
    (set: string, known: readonly string[]) =>
      `The config has no builder set "${set}" (have: ${known.length > 0 ? known.join(", ") : "none"}).`,
  ),
  unknownCheck: defineError(
    "UNKNOWN_CHECK",
    usage,
    (check: string, known: readonly string[]) => `There is no check "${check}" (have: ${known.join(", ")}).`,
  ),
  frontendNotFound: defineError(
    "FRONTEND_NOT_FOUND",
    unavailable,
    (directory: string) =>
      `There is no Buildbot frontend in ${directory}; install it with "pip install --no-deps --target ${directory} buildbot-www==4.3.0", or correct ui.path in the config.`,
  ),
  notifyNeedsPostgresql: defineError(
    "NOTIFY_NEEDS_POSTGRESQL",
    usage,
    () => "bus.notify needs a PostgreSQL database; leave it out for SQLite, whose single master needs no messages.",
  ),
  portInUse: defineError(
    "PORT_IN_USE",
    unavailable,
    (what: string, host: string, port: number) =>
      `The ${what} port ${host}:${port} is in use by another program; choose another.`,
  ),
  portsInUse: defineError(
    "PORTS_IN_USE",
    unavailable,
    (what: string, host: string, ports: readonly number[]) =>
      `The ${what} ports ${ports.join(", ")} of ${host} are all in use by other programs; add a free one.`,
  ),
  routerUrlInvalid: defineError(
    "ROUTER_URL_INVALID",
    usage,
    (url: string) => `"${url}" is not the URL of a message router; use ws://HOST:PORT/ or wss://HOST:PORT/.`,
  ),
  cannotListen: defineError(
    "CANNOT_LISTEN",
    unavailable,
    (what: string, host: string, port: number, why: string) => `The ${what} cannot listen on ${host}:${port}: ${why}.`,
  ),
} as const;
