import { options, type VNode } from "preact";

/** The address of this file in the built app: in `assets`, below the address of the app. */
const here = import.meta.url;

/**
 * The path of the app, without a slash at its end: empty, or for example `/ci` behind a proxy that also serves other things.
 * Paths within the app begin with a slash and do not contain it.
 */
const base = here.startsWith("http") ? new URL("..", here).pathname.replace(/\/+$/, "") : "";

/** The address of a path of the app, or of the server's API. */
export function addressOf(path: string): string {
  return isAppPath(path) ? base + path : path;
}

/** The path within the app of an address of this origin; undefined if the address is outside the app. */
export function pathOf(address: string): string | undefined {
  if (base === "") return address;
  if (address === base) return "/";
  return address.startsWith(`${base}/`) ? address.slice(base.length) : undefined;
}

/** Puts the path of the app before the addresses of all links and frames of all pages. */
export function placeLinks(): void {
  if (base === "") return;
  const before = options.vnode;
  options.vnode = (vnode: VNode) => {
    if (typeof vnode.type === "string") {
      const props = vnode.props as { href?: unknown; src?: unknown; action?: unknown };
      for (const name of ["href", "src", "action"] as const) {
        const value = props[name];
        if (typeof value === "string") props[name] = addressOf(value);
      }
    }
    before?.(vnode);
  };
}

function isAppPath(path: string): boolean {
  return path.startsWith("/") && !path.startsWith("//");
}
