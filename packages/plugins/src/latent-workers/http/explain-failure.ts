import { describeCause } from "@multimaster/core";

/** A server that was asked, and how long its answer was waited for. */
export interface AskedServer {
  /** "https://host:port", "http://host:port" or "unix:///path/of/the/socket". */
  readonly url: string;
  readonly timeoutMs: number;
}

/** Why a server gave no answer: the rest of a sentence that names it, and what would be right where that is known. */
export function explainFailure(error: unknown, { url, timeoutMs }: AskedServer): string {
  const chain = [...causesOf(error)];
  if (chain.some(({ name }) => name === "TimeoutError")) return `it gave no answer within ${timeoutMs / 1000} s`;
  const { code, message = "" } = chain.find((one) => codeOf(one) !== "") ?? chain.at(-1) ?? {};
  const word = String(code ?? "");
  const known = url.startsWith("unix:") ? explainSocket(word, url.slice("unix://".length)) : explainHost(word, url);
  return known ?? (message === "" ? word || "the connection failed" : describeCause(message));
}

type Cause = Partial<Error> & { readonly code?: unknown };

/** An error and what lies under it; the fetch of Node says only "fetch failed" itself. */
function* causesOf(error: unknown): Generator<Cause> {
  let one = error;
  for (let depth = 0; depth < 5 && typeof one === "object" && one !== null; depth += 1) {
    yield one as Cause;
    one = (one as Cause).cause;
  }
}

/** Node gives AbortError a code that says nothing. */
const codeOf = ({ code }: Cause) => (typeof code === "string" && code !== "ABORT_ERR" ? code : "");

function explainSocket(code: string, path: string): string | undefined {
  if (code === "ENOENT")
    return `there is no socket at ${path}: start what listens there (docker.socket, podman.socket), or correct the path`;
  if (code === "EACCES" || code === "EPERM")
    return `this master's user may not open the socket ${path}: add the user to its group`;
  if (code === "ECONNREFUSED") return `no program listens at the socket ${path}: start it again`;
  return explainBreak(code);
}

function explainHost(code: string, url: string): string | undefined {
  const { host, hostname } = new URL(url);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `the name ${hostname} cannot be resolved: correct the URL`;
  if (code === "ECONNREFUSED") return `no program listens at ${host}: start it, or correct the URL`;
  if (code === "EHOSTUNREACH" || code === "ENETUNREACH") return `no route leads from this master to ${hostname}`;
  if (/TIMEDOUT|TIMEOUT/.test(code)) return "it does not accept the connection in time";
  if (code === "EPROTO" || code.startsWith("ERR_SSL")) return "it does not speak TLS at this port: correct the URL";
  if (code.startsWith("HPE_")) return "it does not speak HTTP at this port: correct the URL (https: instead of http:?)";
  if (/CERT|SELF_SIGNED|UNABLE_TO_/.test(code))
    return `its certificate is not accepted (${code}): set "ca" to that of its authority`;
  return explainBreak(code);
}

function explainBreak(code: string): string | undefined {
  return ["ECONNRESET", "EPIPE", "UND_ERR_SOCKET"].includes(code) ? "it broke the connection off" : undefined;
}
