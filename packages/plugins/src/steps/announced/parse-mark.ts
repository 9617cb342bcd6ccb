/** A line of output that says something about the steps of a build. */
export type Mark =
  | { readonly kind: "begin"; readonly name: string }
  | { readonly kind: "seed"; readonly name: string }
  | { readonly kind: "cursor"; readonly name: string }
  | { readonly kind: "started" | "closed" | "halt-on-failure" | "honor-zero" }
  | { readonly kind: "result"; readonly result: "warnings" | "failure" | "exception" }
  | { readonly kind: "link"; readonly name: string; readonly url: string }
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "clear-text" }
  | { readonly kind: "log-line"; readonly log: string; readonly line: string }
  | { readonly kind: "log-end"; readonly log: string }
  | { readonly kind: "property"; readonly name: string; readonly value: string };

/** Longest line that is read as a mark. */
const longestMark = 64 * 1024;

const plain: Readonly<Record<string, Mark>> = {
  STEP_STARTED: { kind: "started" },
  STEP_CLOSED: { kind: "closed" },
  STEP_WARNINGS: { kind: "result", result: "warnings" },
  STEP_FAILURE: { kind: "result", result: "failure" },
  STEP_EXCEPTION: { kind: "result", result: "exception" },
  STEP_CLEAR: { kind: "clear-text" },
  STEP_SUMMARY_CLEAR: { kind: "clear-text" },
  HALT_ON_FAILURE: { kind: "halt-on-failure" },
  HONOR_ZERO_RETURN_CODE: { kind: "honor-zero" },
};

/** Reads a line; undefined: it is output like any other. */
export function parseMark(line: string): Mark | undefined {
  if (!line.startsWith("@@@") || line.length > longestMark) return undefined;
  const trimmed = line.trimEnd();
  if (!trimmed.endsWith("@@@") || trimmed.length < 7) return undefined;
  const body = trimmed.slice(3, -3);
  const known = Object.hasOwn(plain, body.trim()) ? plain[body.trim()] : undefined;
  if (known !== undefined) return known;
  // The name of a step may come after a blank or after an @, and any value may contain an @.
  const [, word = "", rest = ""] = /^([A-Z_]+)[ @](.*)$/s.exec(body) ?? [];
  return parseWith(word, rest);
}

function parseWith(word: string, rest: string): Mark | undefined {
  const name = rest.trim();
  const at = rest.indexOf("@");
  const [first, second] = at === -1 ? [rest, undefined] : [rest.slice(0, at), rest.slice(at + 1)];
  switch (word) {
    case "BUILD_STEP":
      return name === "" ? undefined : { kind: "begin", name };
    case "SEED_STEP":
      return name === "" ? undefined : { kind: "seed", name };
    case "STEP_CURSOR":
      return name === "" ? undefined : { kind: "cursor", name };
    case "STEP_TEXT":
    case "STEP_SUMMARY_TEXT":
      return { kind: "text", text: name };
    case "STEP_LINK":
      return second === undefined ? undefined : { kind: "link", name: first.trim() || "link", url: second.trim() };
    case "STEP_LOG_LINE":
      return second === undefined || first === "" ? undefined : { kind: "log-line", log: first, line: second };
    case "STEP_LOG_END":
      return { kind: "log-end", log: name };
    case "SET_BUILD_PROPERTY":
      return second === undefined || first === "" ? undefined : { kind: "property", name: first, value: second };
    default:
      return undefined;
  }
}
