import { options, type VNode } from "preact";

/** Where this file lies when it was built: in `assets` below the address at which the app is served. */
const here = import.meta.url;

/**
 * The path below which everything of this server is, without a slash at its end: empty, or such as `/ci` behind a proxy that
 * serves other things beside it. Paths in the app begin with a slash and know nothing of it.
 */
const base = here.startsWith("http") ? new URL("..", here).pathname.replace(/\/+$/, "") : "";

/** The address of a path of the app, or of the server's API. */
export function addressOf(path: string): string {
  return isAppPath(path) ? base + path : path;
}

/** The path of the app at an address of this origin; undefined: it is something else beside us. */
export function pathOf(address: string): string | undefined {
  if (base === "") return address;
  if (address === base) return "/";
  return address.startsWith(`${base}/`) ? address.slice(base.length) : undefined;
}

/** Every link and frame of every page: none of them can forget where the app lies. */
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
