import { z } from "zod";
import { descriptorOf } from "../plugin.ts";
import { portChoice } from "../port.ts";

/** What masters with the role `ui` serve. */
export const uiSlice = z.strictObject({
  host: z.string().default("127.0.0.1").describe("Address to listen on; put a TLS proxy in front of a public one."),
  port: portChoice.prefault(8010).describe("The first free one of several; 0 lets the system choose."),
  title: z.string().default("Multimaster"),
  allowedOrigins: z
    .array(z.string())
    .default([])
    .describe("Other origins whose pages may call the REST API; * matches any text."),
  hooks: z
    .array(descriptorOf("hook"))
    .superRefine((hooks, ctx) => {
      for (const [i, { plugin }] of hooks.entries())
        if (hooks.findIndex((other) => other.plugin.type === plugin.type) < i)
          ctx.addIssue({ code: "custom", path: [i], message: `a second ${plugin.type}: each has one address` });
    })
    .optional()
    .describe("What /change_hook/<type> answers; absent: base, which takes changes from whoever can reach this port."),
  changeHookAuth: z
    .strictObject({ user: z.string().min(1), password: z.string().min(1) })
    .optional()
    .describe("Name and password (HTTP Basic) that hooks ask for whose requests bear no signature."),
  jsonCacheSeconds: z
    .int()
    .min(0)
    .default(0)
    .describe("How long browsers may keep answers of the REST API unasked; 0: they ask each time whether it changed."),
});

export type UiSlice = z.output<typeof uiSlice>;
export type UiSliceInput = z.input<typeof uiSlice>;

/** Types the `ui` slice of a config. */
export function defineUi(slice: UiSliceInput): UiSliceInput {
  return slice;
}
