import { BlockList, isIP } from "node:net";
import { duration } from "@multimaster/core";
import { z } from "zod";
import { descriptorOf } from "../plugin.ts";
import { portChoice } from "../port.ts";
import { authorization } from "./authorization.ts";

/** An address, or a network such as 10.0.0.0/8. */
const network = z.string().refine((text) => {
  try {
    trustNetworks([text]);
    return true;
  } catch {
    return false;
  }
}, "must be an IP address, or a network such as 10.0.0.0/8");

/** What masters with the role `ui` serve. */
export const uiSlice = z
  .strictObject({
    host: z.string().default("127.0.0.1").describe("Address to listen on; put a TLS proxy in front of a public one."),
    port: portChoice.prefault(8010).describe("The first free one of several; 0 lets the system choose."),
    app: z
      .enum(["multimaster", "buildbot"])
      .default("multimaster")
      .describe("Whose pages are served; buildbot: Buildbot's own, from the directory `path`."),
    path: z
      .string()
      .optional()
      .describe("Of app buildbot: where pip installed buildbot-www and its views, relative to the config."),
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
      .describe(
        "What /change_hook/<type> answers; absent: base, which takes changes from whoever can reach this port.",
      ),
    changeHookAuth: z
      .strictObject({ user: z.string().min(1), password: z.string().min(1) })
      .optional()
      .describe("Name and password (HTTP Basic) that hooks ask for whose requests bear no signature."),
    jsonCacheSeconds: z
      .int()
      .min(0)
      .default(0)
      .describe(
        "How long browsers may keep answers of the REST API unasked; 0: they ask each time whether it changed.",
      ),
    trustedProxies: z
      .array(network)
      .default([])
      .describe("Proxies in front that are believed when they say for whom they ask."),
    auth: descriptorOf("auth").optional().describe("How users log in; absent: nobody does."),
    sessionLifetime: duration.prefault("7d").describe("After this long a user logs in again."),
    renewLogins: duration
      .prefault("1h")
      .describe("Of logins by a provider: after this long it is asked again who the user is, and in which groups."),
    auditEntries: z
      .int()
      .min(100)
      .default(100_000)
      .describe("So many of the newest entries of the audit trail are kept; a tenth as many of what was refused."),
    authorization: authorization
      .optional()
      .describe("Who may do what; absent: everybody without a login, and with one everybody reads and users control."),
  })
  .superRefine(({ auth, trustedProxies }, ctx) => {
    if (auth?.plugin.needs?.includes("trustedProxies") && trustedProxies.length === 0)
      ctx.addIssue({
        code: "custom",
        path: ["trustedProxies"],
        message: `must name the proxies whose headers ${auth.plugin.type} believes: anybody can send them`,
      });
  });

export type UiSlice = z.output<typeof uiSlice>;
export type UiSliceInput = z.input<typeof uiSlice>;

/** Types the `ui` slice of a config. */
export function defineUi(slice: UiSliceInput): UiSliceInput {
  return slice;
}

/** Tells addresses of these networks from others. */
export function trustNetworks(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const text of networks) {
    const [address = "", prefix] = text.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, /^\d+$/.test(prefix) ? Number(prefix) : -1, family);
  }
  return (given) => {
    const address = given.replace(/^::ffff:(?=\d+\.)/, "");
    return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  };
}

/** What a login needs of the part of the config that all share, and does not find there. */
export function checkLogin({ auth }: Pick<UiSlice, "auth">, { url }: { url?: string | undefined }): string[] {
  if (url !== undefined || !auth?.plugin.needs?.includes("url")) return [];
  return [`url: is missing; ${auth.plugin.type} sends people back to it, such as url: "https://ci.example.org/"`];
}
