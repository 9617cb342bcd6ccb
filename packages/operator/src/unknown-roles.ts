import type { LoadedConfig } from "@multimaster/config";

/** A sentence about roles of rights that the config's authorization does not name; undefined: it names them all. */
export async function describeUnknownRoles(
  config: Pick<LoadedConfig, "ui" | "placeOf">,
  roles: readonly string[],
): Promise<string | undefined> {
  if (roles.length === 0) return undefined;
  const place = config.placeOf("ui");
  let known: string[];
  try {
    known = Object.keys((await config.ui()).authorization?.roles ?? {});
  } catch {
    // The machine that creates tokens needs nothing of the ui slice, such as its secrets.
    return `The roles of the token are not checked: ${place} cannot be loaded here; "master check-config" says why.`;
  }
  const unknown = roles.filter((role) => !known.includes(role));
  if (unknown.length === 0) return undefined;
  const names = unknown.map((role) => `"${role}"`).join(", ");
  const which = unknown.length === 1 ? `no role ${names}` : `none of the roles ${names}`;
  return `${place}: authorization.roles: has ${which}, so the token gets no rights by it (have: ${known.join(", ") || "none"}).`;
}
