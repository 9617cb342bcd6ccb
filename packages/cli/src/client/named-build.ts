import { errors } from "@multimaster/core";
import type { Build } from "@multimaster/data";
import type { PathOf } from "@multimaster/data/client";
import type { Api } from "./api.ts";
import { orNotFound } from "./find-item.ts";

/** The API's path of a build that is named by its id, BUILDER/NUMBER, or the URL of its page or of the API. */
export function buildPath(text: string): PathOf<"builds"> {
  if (/^\d{1,15}$/.test(text)) return `builds/${text}`;
  const path = /^https?:\/\//.test(text) ? pathInUrl(text) : `builders/${text.replace(/\/(?=\d+$)/, "/builds/")}`;
  const parts = path.split("/").map(decode);
  const at = parts.findLastIndex((part, i) => part === "builds" && /^\d{1,15}$/.test(parts[i + 1] ?? ""));
  const number = parts[at + 1];
  if (at < 0 || number === undefined) throw errors.buildNotNamed(text);
  // A builder's name may contain slashes.
  const from = parts.indexOf("builders");
  const builder = from < 0 || from >= at ? "" : parts.slice(from + 1, at).join("/");
  if (builder !== "") return `builders/${encodeURIComponent(builder)}/builds/${number}`;
  if (from >= 0) throw errors.buildNotNamed(text);
  return `builds/${number}`;
}

/** Finds a build named in one of these ways, with these of its properties. */
export function findBuild(api: Api, text: string, properties?: readonly string[]): Promise<Build> {
  return orNotFound(api.one("builds", buildPath(text), { property: properties }), `There is no build ${text}.`);
}

/** The path in a URL; browser apps keep it behind "#". */
function pathInUrl(text: string): string {
  if (!URL.canParse(text)) throw errors.buildNotNamed(text);
  const { hash, pathname } = new URL(text);
  return /^#!?\//.test(hash) ? (hash.split("?")[0] ?? "") : pathname;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
