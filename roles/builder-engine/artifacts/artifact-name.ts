import { ArtifactRefused } from "@multimaster/plugins";

/** Longest name of an artifact, in characters. */
const longestName = 500;

/**
 * The name of an artifact, checked: a relative path with `/` between its parts. It may come from a worker. It is never a path on
 * a master, but users download and unpack what is named so.
 */
export function checkArtifactName(name: string): string {
  const why = findFault(name);
  if (why === undefined) return name;
  throw new ArtifactRefused(`${JSON.stringify(name.slice(0, 200))} cannot be the name of an artifact: ${why}.`);
}

function findFault(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name.length > longestName) return `it has more than ${longestName} characters`;
  if (/[\p{Cc}\p{Surrogate}]/u.test(name)) return "it has control characters";
  if (name.includes("\\")) return "it has a backslash";
  const parts = name.split("/");
  if (parts.some((part) => part === "")) return "it is no relative path";
  if (parts.some((part) => part === "." || part === "..")) return 'it has a part "." or ".."';
  if (name.startsWith("@")) return 'it begins with "@", which names a branch in links';
  return undefined;
}
