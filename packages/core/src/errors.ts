/** What an error means to the one who caused it: an HTTP status and a process exit code. */
export interface ErrorKind {
  /** HTTP status when the error reaches a REST client. */
  status: number;
  /** Exit code when the error ends a command. */
  exitCode: number;
}

/** An error that a user or operator can act on: one clear sentence, never a stack trace. */
export class UserError extends Error {
  readonly code: string;
  readonly status: number;
  readonly exitCode: number;

  constructor(code: string, kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "UserError";
    this.code = code;
    this.status = kind.status;
    this.exitCode = kind.exitCode;
  }
}

/** Exit codes of the commands (docs/operators.md lists them). */
export const ExitCode = {
  ok: 0,
  /** The build of `npm start -- --once` did not succeed, or an unexpected error. */
  failure: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
  /** Something the master needs (database, port, name) cannot be had. */
  unavailable: 3,
} as const;

const usage: ErrorKind = { status: 400, exitCode: ExitCode.usage };
const conflict: ErrorKind = { status: 409, exitCode: ExitCode.usage };
const unauthorized: ErrorKind = { status: 401, exitCode: ExitCode.usage };
const forbidden: ErrorKind = { status: 403, exitCode: ExitCode.usage };
const unavailable: ErrorKind = { status: 503, exitCode: ExitCode.unavailable };

function defineError<Args extends unknown[]>(code: string, kind: ErrorKind, message: (...args: Args) => string) {
  return (...args: [...Args, ErrorOptions?]): UserError => {
    const last = args.at(-1);
    const options = typeof last === "object" && last !== null && "cause" in last ? (last as ErrorOptions) : undefined;
    return new UserError(code, kind, message(...(args as unknown as Args)), options);
  };
}

/** The catalogue: every error a user can meet, with its code, status, exit code and sentence. */
export const errors = {
  configInvalid: defineError("CONFIG_INVALID", usage, (problems: readonly string[]) =>
    [
      `The config has ${problems.length === 1 ? "an error" : `${problems.length} errors`}:`,
      ...problems.map((p) => `  ${p}`),
    ].join("\n"),
  ),
  configNotFound: defineError(
    "CONFIG_NOT_FOUND",
    usage,
    (file: string) => `No config file at ${file}; write one with "master init DIR" or name yours with --config FILE.`,
  ),
  configExists: defineError("CONFIG_EXISTS", usage, (file: string) => `${file} is there already; nothing was written.`),
  cannotWrite: defineError(
    "CANNOT_WRITE",
    unavailable,
    (where: string, why: string) => `${where} cannot be written: ${why}.`,
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
  masterNameTaken: defineError(
    "MASTER_NAME_TAKEN",
    unavailable,
    (name: string, where: string) =>
      `A live master already has the name "${name}" (${where}); stop it first, or start this one with another --name.`,
  ),
  noProgram: defineError(
    "NO_PROGRAM",
    usage,
    (path: string) => `No program at ${path}; --program names the master.mjs of a checkout that is built.`,
  ),
  masterNotOurs: defineError(
    "MASTER_NOT_OURS",
    unavailable,
    (name: string, pid: number) =>
      `The master ${name} (pid ${pid}) belongs to another user, so it cannot be told to drain; run this command as the user that runs it.`,
  ),
  noMasterToUpgrade: defineError(
    "NO_MASTER_TO_UPGRADE",
    usage,
    (host: string, running: readonly string[]) =>
      `No master runs on the host ${host} (running in the cluster: ${running.join(", ") || "none"}); start one with "master start", or name its host with --host.`,
  ),
  notRunningOnHost: defineError(
    "NOT_RUNNING_ON_HOST",
    usage,
    (names: readonly string[], host: string, running: readonly string[]) =>
      `No master named ${names.join(", ")} runs on the host ${host} (running there: ${running.join(", ") || "none"}).`,
  ),
  otherHost: defineError(
    "OTHER_HOST",
    usage,
    (host: string, here: string) =>
      `The masters of the host ${host} are upgraded on ${host}, not on ${here}; --dry-run shows from here what would be done.`,
  ),
  frontendNotFound: defineError(
    "FRONTEND_NOT_FOUND",
    unavailable,
    (directory: string) =>
      `There is no Buildbot frontend in ${directory}; install it with "pip install --no-deps --target ${directory} buildbot-www==4.3.0", or correct ui.path in the config.`,
  ),
  configsDiffer: defineError(
    "CONFIGS_DIFFER",
    usage,
    (configs: readonly string[]) =>
      `The masters of this host were started with different configs (${configs.join("; ")}); upgrade them one config at a time, naming the masters with --masters.`,
  ),
  masterStarting: defineError(
    "MASTER_STARTING",
    unavailable,
    (names: readonly string[]) => `Still starting: ${names.join(", ")}; upgrade when all masters of this host run.`,
  ),
  upgradeUnderWay: defineError(
    "UPGRADE_UNDER_WAY",
    unavailable,
    (host: string) => `Another "master upgrade" of the host ${host} is under way; wait for its end.`,
  ),
  upgradeNeedsPostgresql: defineError(
    "UPGRADE_NEEDS_POSTGRESQL",
    usage,
    (database: string) =>
      `${database} serves one master, so no new one can run beside it; stop it with SIGTERM or Ctrl-C (running builds finish), then start it anew with "master start": it brings the file up to date by itself.`,
  ),
  databaseUnreachable: defineError(
    "DATABASE_UNREACHABLE",
    unavailable,
    (where: string, why: string) => `The database ${where} cannot be reached: ${why}.`,
  ),
  databaseUrlInvalid: defineError(
    "DATABASE_URL_INVALID",
    usage,
    (url: string) =>
      `"${url}" is no database URL; use sqlite:FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME (PostgreSQL and SQLite are supported).`,
  ),
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
      `"${migration}" is not applied: something has had the tables in use for a minute, such as a backup; run "master upgrade-database" again when it is over.`,
  ),
  databaseOfOtherBuildbot: defineError(
    "DATABASE_OF_OTHER_BUILDBOT",
    unavailable,
    (found: string, wanted: string) =>
      `The database's Buildbot schema is at ${found}, only ${wanted} (Buildbot 4.3.0) can be used; upgrade it with "buildbot upgrade-master" of Buildbot 4.3.0 first.`,
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
      `"${migration}" is not applied: it takes away what the running masters ${masters.join(", ")} need; replace them with a newer release, then run "master upgrade-database" again.`,
  ),
  notifyNeedsPostgresql: defineError(
    "NOTIFY_NEEDS_POSTGRESQL",
    usage,
    () => "bus.notify needs a PostgreSQL database; leave it out for SQLite, whose single master needs no messages.",
  ),
  sqliteFileInUse: defineError(
    "SQLITE_FILE_IN_USE",
    unavailable,
    (file: string) =>
      `Another master already uses the SQLite file ${file}; one SQLite file serves one master, use PostgreSQL for a cluster.`,
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
    (url: string) => `"${url}" is no URL of a message router; use ws://HOST:PORT/ or wss://HOST:PORT/.`,
  ),
  cannotListen: defineError(
    "CANNOT_LISTEN",
    unavailable,
    (what: string, host: string, port: number, why: string) => `The ${what} cannot listen on ${host}:${port}: ${why}.`,
  ),
  methodNotAllowed: defineError(
    "METHOD_NOT_ALLOWED",
    { status: 405, exitCode: ExitCode.usage },
    (allowed: string) => `Use the HTTP method ${allowed} here.`,
  ),
  bodyTooLarge: defineError(
    "BODY_TOO_LARGE",
    { status: 413, exitCode: ExitCode.usage },
    (maxBytes: number) => `The request's body is larger than the ${maxBytes} bytes that are accepted.`,
  ),
  rejoining: defineError(
    "REJOINING",
    unavailable,
    (master: string) => `The master ${master} lost its lease and is joining the cluster anew; try again.`,
  ),
  masterNotAlive: defineError(
    "MASTER_NOT_ALIVE",
    conflict,
    (master: string) => `The master ${master} is not alive; "master status" shows those that are.`,
  ),
  masterTakesNoOrders: defineError(
    "MASTER_TAKES_NO_ORDERS",
    conflict,
    (master: string) =>
      `The master ${master} is one of Buildbot or of an older release, which take no orders: stop it on its own host, with SIGTERM.`,
  ),
  notDraining: defineError(
    "NOT_DRAINING",
    conflict,
    (what: string) => `There is no open drain of ${what} that could be undone.`,
  ),
  endsBySignal: defineError(
    "ENDS_BY_SIGNAL",
    conflict,
    (master: string) => `The master ${master} was told by a signal to end, which cannot be undone; start another one.`,
  ),
  roleAlreadyThere: defineError(
    "ROLE_ALREADY_THERE",
    conflict,
    (master: string, role: string) => `The master ${master} already has the role ${role}.`,
  ),
  roleNotThere: defineError(
    "ROLE_NOT_THERE",
    conflict,
    (master: string, role: string, roles: readonly string[]) =>
      `The master ${master} does not have the role ${role} (has: ${roles.join(", ")}).`,
  ),
  onlyRole: defineError(
    "ONLY_ROLE",
    conflict,
    (master: string, role: string) =>
      `${role} is the only role of the master ${master}; drain the master instead ("master drain ${master}").`,
  ),
  hookNotConfigured: defineError(
    "HOOK_NOT_CONFIGURED",
    { status: 404, exitCode: ExitCode.usage },
    (dialect: string) => `There is no change hook "${dialect}" here; name it in the list hooks of the config's ui.`,
  ),
  signatureMissing: defineError(
    "SIGNATURE_MISSING",
    { status: 401, exitCode: ExitCode.usage },
    (header: string) =>
      `The request has no ${header}: set this hook's secret at the webhook of the forge, too, so that it is sent along.`,
  ),
  signatureWrong: defineError(
    "SIGNATURE_WRONG",
    { status: 403, exitCode: ExitCode.usage },
    (header: string) =>
      `The request's ${header} does not fit this hook's secret; the forge and the config must have the same.`,
  ),
  hookLoginWrong: defineError(
    "HOOK_LOGIN_WRONG",
    { status: 401, exitCode: ExitCode.usage },
    () => "This hook asks for the name and password (HTTP Basic) that the config's changeHookAuth gives.",
  ),
  forgeFailed: defineError(
    "FORGE_FAILED",
    { status: 502, exitCode: ExitCode.unavailable },
    (forge: string, what: string, why: string) =>
      `${forge} was asked for ${what} and did not tell (${why}), so nothing was stored; have it deliver this again.`,
  ),
  databaseAway: defineError(
    "DATABASE_AWAY",
    unavailable,
    () => "The database does not answer, so nothing was stored; send this again later.",
  ),
  hookFromPage: defineError(
    "HOOK_FROM_PAGE",
    { status: 403, exitCode: ExitCode.usage },
    () => "Change hooks take no requests that the pages of other sites make in somebody's browser.",
  ),
  alreadyOver: defineError(
    "ALREADY_OVER",
    conflict,
    (what: string, result: string) => `${what} is over (${result}): there is nothing to be done to it.`,
  ),
  workerNotAttached: defineError(
    "WORKER_NOT_ATTACHED",
    conflict,
    (worker: string) => `The worker ${worker} is attached to no master, so nobody can end it.`,
  ),
  noUiUrl: defineError(
    "NO_UI_URL",
    usage,
    (file: string) =>
      `Which ui master? Name one with --url URL, in the environment variable MULTIMASTER_URL, or in ${file}.`,
  ),
  uiUrlInvalid: defineError(
    "UI_URL_INVALID",
    usage,
    (url: string) => `"${url}" is no address of a ui master; use http://HOST:PORT/ or https://HOST/.`,
  ),
  uiUnreachable: defineError(
    "UI_UNREACHABLE",
    unavailable,
    (url: string, why: string) => `No ui master answers at ${url}: ${why}.`,
  ),
  noUiThere: defineError(
    "NO_UI_THERE",
    unavailable,
    (url: string, why: string) => `What answers at ${url} is no ui master (${why}); check the address.`,
  ),
  clientFileInvalid: defineError(
    "CLIENT_FILE_INVALID",
    usage,
    (file: string, why: string) => `The client file ${file} cannot be used: ${why}.`,
  ),
  unknownProfile: defineError(
    "UNKNOWN_PROFILE",
    usage,
    (profile: string, file: string, known: readonly string[]) =>
      `${file} has no profile "${profile}" (have: ${known.length > 0 ? known.join(", ") : "none"}).`,
  ),
  uiTooOld: defineError(
    "UI_TOO_OLD",
    unavailable,
    (url: string, what: string) =>
      `The ui master at ${url} is of a release that does not tell ${what}; upgrade it first.`,
  ),
  tokenUnreadable: defineError(
    "TOKEN_UNREADABLE",
    usage,
    (file: string, why: string) => `The token file ${file} cannot be used: ${why}.`,
  ),
  tokenNeeded: defineError(
    "TOKEN_NEEDED",
    { status: 401, exitCode: ExitCode.usage },
    (url: string) =>
      `The ui master at ${url} does not know who asks; give a valid API token with --token-file FILE, MULTIMASTER_TOKEN, or the client file.`,
  ),
  uiRefused: defineError("UI_REFUSED", usage, (what: string) => `The ui master refuses: ${what}`),
  fieldsRefused: defineError("FIELDS_REFUSED", usage, (problems: readonly string[]) =>
    ["These fields of the form are not filled in rightly:", ...problems.map((problem) => `  ${problem}`)].join("\n"),
  ),
  buildNotNamed: defineError(
    "BUILD_NOT_NAMED",
    usage,
    (text: string) => `"${text}" names no build; give its id, BUILDER/NUMBER, or the URL of its page.`,
  ),
  forceSchedulerToChoose: defineError("FORCE_SCHEDULER_TO_CHOOSE", usage, (names: readonly string[]) =>
    names.length === 0
      ? "No force scheduler of the cluster can start such a build."
      : `Name the force scheduler to use: ${names.join(", ")}.`,
  ),
  loginFailed: defineError(
    "LOGIN_FAILED",
    unauthorized,
    () => "No user has this name and password; check both and log in again.",
  ),
  tooManyLogins: defineError(
    "TOO_MANY_LOGINS",
    { status: 429, exitCode: ExitCode.unavailable },
    (seconds: number) => `Too many logins have failed; try again in ${seconds} seconds.`,
  ),
  noLogin: defineError(
    "NO_LOGIN",
    { status: 501, exitCode: ExitCode.usage },
    () => "This cluster has no login of its own; the auth option of its ui says how users are known.",
  ),
  loginStale: defineError(
    "LOGIN_STALE",
    usage,
    () => "This login took too long, was used before, or was begun in another browser; log in again.",
  ),
  loginRefused: defineError(
    "LOGIN_REFUSED",
    unauthorized,
    (provider: string, why: string) => `${provider} did not log you in: ${why}.`,
  ),
  loginProviderAway: defineError(
    "LOGIN_PROVIDER_AWAY",
    unavailable,
    (provider: string, why: string) => `${provider} cannot be asked who you are: ${why}.`,
  ),
  tokenRefused: defineError(
    "TOKEN_REFUSED",
    unauthorized,
    () => 'This API token is unknown, expired or revoked; make another one with "master token create".',
  ),
  tokenExists: defineError(
    "TOKEN_EXISTS",
    conflict,
    (name: string) => `There is a token "${name}" already; revoke it first, or choose another name.`,
  ),
  tokenNotThere: defineError(
    "TOKEN_NOT_THERE",
    usage,
    (name: string) => `There is no valid token "${name}"; "master token list" shows those that are there.`,
  ),
  notAllowed: defineError("NOT_ALLOWED", forbidden, (what: string, who: string, hint: string) =>
    [`You may not ${what}: that is for ${who}`, hint]
      .filter((part) => part !== "")
      .join("; ")
      .concat("."),
  ),
  otherSite: defineError(
    "OTHER_SITE",
    forbidden,
    (origin: string) => `The page that sent this (${origin}) is not of this site, so your login does not count for it.`,
  ),
  requestInvalid: defineError("REQUEST_INVALID", usage, (message: string) => message),
  notFound: defineError("NOT_FOUND", { status: 404, exitCode: ExitCode.usage }, (message: string) => message),
} as const;
