import { useEffect, useState } from "preact/hooks";
import { addressOf, pathOf } from "./base.ts";
import { rememberScroll, restoreScroll } from "./scroll-memory.ts";

/** The address of the page. What a page shows follows from it alone, so that addresses can be shared. */
export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly hash: string;
}

function readPlace(): Place {
  return { path: pathOf(location.pathname) ?? "/", query: new URLSearchParams(location.search), hash: location.hash };
}

const changed = "placechange";

/** Goes to a path of the app. */
export function navigate(to: string, { replace = false }: { replace?: boolean } = {}): void {
  const address = addressOf(to);
  if (replace) history.replaceState(null, "", address);
  else {
    rememberScroll();
    history.pushState(null, "", address);
  }
  dispatchEvent(new Event(changed));
  if (!replace && !to.startsWith("#") && !to.startsWith("?")) document.querySelector("main")?.scrollTo(0, 0);
}

/** The same page with some of its query changed; empty values are removed. */
export function withQuery(place: Place, changes: Readonly<Record<string, string | undefined>>): string {
  const query = new URLSearchParams(place.query);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  return place.path + (text ? `?${text}` : "");
}

export function usePlace(): Place {
  const [place, setPlace] = useState(readPlace);
  useEffect(() => {
    const update = () => setPlace(readPlace());
    addEventListener(changed, update);
    addEventListener("popstate", update);
    addEventListener("hashchange", update);
    return () => {
      removeEventListener(changed, update);
      removeEventListener("popstate", update);
      removeEventListener("hashchange", update);
    };
  }, []);
  return place;
}

/** "Back" leads to the same place of the page. */
export function keepScroll(): void {
  history.scrollRestoration = "manual";
  addEventListener("popstate", restoreScroll);
}

/** Links are plain `<a href>`: a link to a page of the app opens that page without loading the app again. */
export function followLinks(): void {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element | null)?.closest?.("a[href]") as HTMLAnchorElement | null;
    if (!link || link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    const path = pathOf(link.pathname);
    if (path === undefined || /^\/(api|auth|oauth|metrics|health|ready)\b/.test(path)) return;
    event.preventDefault();
    navigate(path + link.search + link.hash);
  });
}
