import type { Json } from "@multimaster/core";
import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep } from "../define-step.ts";

const options = z.object({
  properties: z.record(z.string().min(1), z.json()).describe("Values by the name of the property."),
});

/** Sets properties of the build: `setProperties({ properties: { version: (b) => `1.${b.build.number}` } })`. */
export default defineStep({
  type: "set-properties",
  options,
  async run(ctx, { properties }) {
    for (const [name, value] of Object.entries(properties)) ctx.properties.set(name, value as Json);
    return { results: Results.SUCCESS, summary: `set ${Object.keys(properties).join(", ") || "no property"}` };
  },
});
