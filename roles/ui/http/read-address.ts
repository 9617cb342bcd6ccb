import type { IncomingMessage } from "node:http";

const hostForm = /^(?:\[[0-9a-f:.]+\]|[\w.~-]*)(?::\d{1,5})?$/i;

const forBalancers = /^(metrics|ready|health)(?:[?#]|$)/;

/**
 * Converts a request's target to the form `/path?query`, which all later code reads. Returns false for an invalid target. It
 * checks the host too: text after it in the Host header would count as path and query.
 */
export function readAddress(request: IncomingMessage, basePath = "/"): boolean {
  const { host = "" } = request.headers;
  if (!hostForm.test(host)) return false;
  // Of two, a proxy may have read the other one.
  if ((request.headersDistinct?.["host"]?.length ?? 0) > 1) return false;
  // Proxies ask for the whole address.
  const whole = /^https?:\/\/[^/?]*/i.exec(request.url ?? "")?.[0];
  if (whole !== undefined) {
    if (!URL.canParse(whole)) return false;
    request.url = `/${(request.url as string).slice(whole.length).replace(/^\//, "")}`;
  }
  // Some proxies remove the path below which users find this ui, others do not. Paths for balancers stay unchanged: proxies
  // block them for users, so there must be no second path to them.
  if (basePath !== "/" && request.url?.startsWith(basePath) && !forBalancers.test(request.url.slice(basePath.length)))
    request.url = request.url.slice(basePath.length - 1);
  return request.url?.startsWith("/") === true && URL.canParse(`http://${host || "localhost"}${request.url}`);
}
