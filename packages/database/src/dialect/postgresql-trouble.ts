import { codeOf } from "./error-codes.ts";
import { tooOld } from "./own-refusal.ts";
import { absent, type DatabaseTrouble, refuses } from "./trouble.ts";

/** A code of PostgreSQL. Each has a digit, which no errno of five letters has. */
const sqlState = /^(?=.*\d)[0-9A-Z]{5}$/;

/**
 * Classes of SQLSTATE that are the statement's fault, or its values': unsupported or unknown things, wrong data, violated
 * constraints, wrong use of transactions and cursors, limits, errors that a function raises. In every other class the
 * database is at fault, including those that no one has thought of.
 */
const statementClasses = new Set(
  "02 03 09 0A 0B 0F 0L 0P 0Z 20 21 22 23 24 25 27 2B 2D 2F 34 36 38 39 3B 3F 42 44 54 P0".split(" "),
);

/** Within those classes: what is not the statement's fault, and what it means. */
const exceptions: Readonly<Record<string, DatabaseTrouble>> = {
  "25006": refuses("it is read-only"),
  "25P03": absent,
  "25P04": refuses("a transaction took longer than its limit"),
  "3F000": refuses("its schema is missing"),
  "42501": refuses("its user lacks a privilege"),
  // They were there at the start (`checkSchema`): a search_path was changed, a table renamed, or a dump is being restored.
  "42703": refuses("one of its tables lacks a column"),
  "42P01": refuses("one of its tables is missing"),
  "42P05": refuses("a connection pooler mixed up its sessions"),
};

const known: readonly (readonly [RegExp, DatabaseTrouble])[] = [
  [/^08P01$/, refuses("the connection was refused")],
  [/^08/, absent],
  [/^26/, refuses("a connection pooler mixed up its sessions")],
  [/^28/, refuses("it refuses the login of its user")],
  [/^3D/, refuses("the database does not exist")],
  [/^40/, refuses("it is busy")],
  [/^53100$/, refuses("its disk is full")],
  [/^53200$/, refuses("it has no memory left")],
  [/^53300$/, refuses("it has no connection left")],
  [/^53/, refuses("it lacks resources")],
  [/^55P03$/, refuses("a row or table is locked for too long")],
  [/^55000$/, refuses("it accepts no connections at present")],
  [/^57014$/, refuses("a statement took longer than its limit")],
  [/^57/, absent],
  [/^58/, refuses("its disk reports errors")],
  [/^XX00[12]$/, refuses("its files are damaged")],
];

const socketCodes =
  /^(E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|HOSTDOWN|NETDOWN|AI_AGAIN|ADDRNOTAVAIL|PROTO)|ENOTFOUND)$/;

// "timeout expired": a server that stands still accepts connections and does not greet.
const absentMessages =
  /connection terminated|client has encountered a connection error|not queryable|connection timeout|^timeout expired$|^query read timeout$|timeout acquiring a connection|connection (was )?(closed|ended)|server closed/i;

/** Errors without a code of the server that came from a connection, and so are none of a statement's. */
const ofConnection = new WeakSet<Error>();

/** Notes that an error came from opening a connection: whatever it is, no statement is at fault. */
export function noteConnectionError(error: unknown): void {
  if (error instanceof Error) ofConnection.add(error);
}

/** Judges one error; undefined when the statement is at fault, or when the error is none of the database's. */
export function judgePostgresql(error: Error): DatabaseTrouble | undefined {
  const code = codeOf(error);
  if (sqlState.test(code)) return judgeState(code, error.message);
  // No such socket; another file that is missing is none of the database's.
  if (code === "ENOENT") return (error as NodeJS.ErrnoException).syscall === "connect" ? absent : undefined;
  if (socketCodes.test(code) || absentMessages.test(error.message) || ofConnection.has(error)) return absent;
  return undefined;
}

function judgeState(code: string, message: string): DatabaseTrouble | undefined {
  if (isOutdatedPlan(code, message)) return refuses("its tables have just been changed");
  if (code === "P0001" && !message.includes(tooOld)) return refuses("a trigger that is not of this program refuses it");
  const exception = exceptions[code];
  if (exception) return exception;
  if (code === "00000" || statementClasses.has(code.slice(0, 2))) return undefined;
  return known.find(([pattern]) => pattern.test(code))?.[1] ?? refuses("it reports an internal error");
}

/** A statement that was prepared before a table changed: it succeeds on a new connection. */
function isOutdatedPlan(code: string, message: string): boolean {
  return code === "0A000" && message.includes("cached plan");
}

/**
 * Whether the connection is of no use any more, although the server has not ended it. A read-only server was demoted, and
 * the next connection may reach the new primary; a pooler's statements are another session's.
 */
export function spoilsConnection(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  if (/^(25006|26000|42P05|25P0[34]|08...|28...|3D...|55000|57P..|58...|XX...)$/.test(code)) return true;
  return isOutdatedPlan(code, error.message) || (!sqlState.test(code) && judgePostgresql(error) !== undefined);
}
