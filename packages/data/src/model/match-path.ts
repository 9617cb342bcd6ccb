import type { AnyResource, Path } from "./define-resource.ts";
import { isIdentifier } from "./field-kinds.ts";

/** The resource and the path that a request matched. */
export interface Match {
  readonly resource: AnyResource;
  readonly path: Path;
  readonly params: Readonly<Record<string, string | number>>;
}

interface Route {
  readonly resource: AnyResource;
  readonly path: Path;
  readonly elements: readonly Element[];
}

type Element = { readonly literal: string } | { readonly kind: "n" | "i" | "s"; readonly name: string };

/** Finds the resource of a path: the first pattern with as many elements, all of which parse. */
export function createMatcher(resources: readonly AnyResource[]): (parts: readonly string[]) => Match | undefined {
  const routes = new Map<number, Route[]>();
  for (const resource of resources) {
    for (const path of resource.paths) {
      const elements = path.pattern === "" ? [] : path.pattern.split("/").map(parseElement);
      const group = routes.get(elements.length);
      if (group) group.push({ resource, path, elements });
      else routes.set(elements.length, [{ resource, path, elements }]);
    }
  }
  return (parts) => {
    for (const { resource, path: found, elements } of routes.get(parts.length) ?? []) {
      const params = matchElements(elements, parts);
      if (params) return { resource, path: found, params };
    }
    return undefined;
  };
}

function parseElement(text: string): Element {
  const colon = text.indexOf(":");
  if (colon < 0) return { literal: text };
  const kind = text.slice(0, colon);
  return { kind: kind === "n" || kind === "i" ? kind : "s", name: text.slice(colon + 1) };
}

function matchElements(
  elements: readonly Element[],
  parts: readonly string[],
): Record<string, string | number> | undefined {
  const params: Record<string, string | number> = {};
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i] as Element;
    const part = parts[i] as string;
    if ("literal" in element) {
      if (part !== element.literal) return undefined;
    } else if (element.kind === "n") {
      if (!/^\d+$/.test(part)) return undefined;
      params[element.name] = Math.min(Number(part), 2 ** 53 - 1);
    } else {
      if (element.kind === "i" ? !isIdentifier(part) : part === "" || part.includes("\0")) return undefined;
      params[element.name] = part;
    }
  }
  return params;
}
