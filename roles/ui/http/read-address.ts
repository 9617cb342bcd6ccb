import type { IncomingMessage } from "node:http";

const hostForm = /^(?:\[[0-9a-f:.]+\]|[\w.~-]*)(?::\d{1,5})?$/i;

const forBalancers = /^(metrics|ready|health)(?:[?#]|$)/;

/**
 * Brings what a request asks for into the form of `/path?query`, in which everything behind reads it. False: it is no
 * address of a server. The host is looked at, too: what is written behind it there would count as path and query.
 */
export function readAddress(request: IncomingMessage, basePath = "/"): boolean {
  const { host = "" } = request.headers;
  if (!hostForm.test(host)) return false;
  // Of two, a proxy may have looked at the other one.
  if ((request.headersDistinct?.["host"]?.length ?? 0) > 1) return false;
  // Proxies ask for the whole address.
  const whole = /^https?:\/\/[^/?]*/i.exec(request.url ?? "")?.[0];
  if (whole !== undefined) {
    if (!URL.canParse(whole)) return false;
    request.url = `/${(request.url as string).slice(whole.length).replace(/^\//, "")}`;
  }
  // Of proxies some take the path away below which users find this, and some do not. Balancers ask masters themselves: what they
  // ask is refused by its path to all others, so that there is no second path to it.
  if (basePath !== "/" && request.url?.startsWith(basePath) && !forBalancers.test(request.url.slice(basePath.length)))
    request.url = request.url.slice(basePath.length - 1);
  return request.url?.startsWith("/") === true && URL.canParse(`http://${host || "localhost"}${request.url}`);
}
