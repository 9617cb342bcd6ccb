import type { StepContext } from "../../step-context.ts";

/**
 * Sets a property that says something of the sources. Of a codebase with a name it is one entry of an object; such an entry
 * does not replace the text that the codebase without a name has set.
 */
export function setSourceProperty(
  ctx: StepContext,
  name: string,
  codebase: string,
  value: string,
  source: string,
): void {
  if (codebase === "") return ctx.properties.set(name, value, source);
  const others = ctx.properties.get(name);
  if (typeof others === "string") return;
  const known = typeof others === "object" && others !== null && !Array.isArray(others) ? others : {};
  ctx.properties.set(name, { ...known, [codebase]: value }, source);
}
