import { duration } from "@multimaster/core";
import { z } from "zod";
import type { ConfigWarning } from "../config-warning.ts";
import { network } from "../networks.ts";
import type { PlaceOf } from "../place-of.ts";
import { descriptorOf, type PluginDescriptor } from "../plugin.ts";
import { warningsOfPlugin } from "../plugin-warnings.ts";
import { portChoice } from "../port.ts";
import { authorization } from "./authorization.ts";
import { findOpenDoors, warningsOfDoors } from "./ui-doors.ts";

const loginText = z.string("must be text; is its environment variable set?").min(1, "must not be empty");

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
    title: z.string().default("Multimaster").describe("Of the pages."),
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
      .describe("What /change_hook/<type> answers; absent: nothing."),
    changeHookAuth: z
      .strictObject({
        user: loginText.describe("By HTTP Basic authentication."),
        password: loginText.describe("By HTTP Basic authentication."),
      })
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
    connectionsPerAddress: z
      .int()
      .min(1)
      .default(500)
      .describe("Connections that one address may have, except this machine's own and those of trustedProxies."),
    listenersPerAddress: z
      .int()
      .min(1)
      .default(50)
      .describe(
        "WebSockets and event streams that one address may have; behind a proxy set trustedProxies, or it counts as one.",
      ),
    auth: descriptorOf("auth").optional().describe("How users log in; absent: no one does."),
    sessionLifetime: duration.prefault("7d").describe("After this long a user logs in again."),
    renewLogins: duration
      .prefault("1h")
      .describe("Of logins by a provider: after this long it is asked again who the user is, and in which groups."),
    auditEntries: z
      .int()
      .min(100)
      .default(100_000)
      .describe("So many of the newest entries of the audit trail are kept; a tenth as many of what was refused."),
    open: z
      .boolean()
      .default(false)
      .describe(
        "Lets in anyone who reaches this port or has an account at the provider of auth; without authorization they control the cluster.",
      ),
    authorization: authorization
      .optional()
      .describe("Who may do what; absent: everybody without a login, and with one everybody reads and users control."),
  })
  .superRefine(({ hooks = [], changeHookAuth }, ctx) => {
    for (const [i, hook] of hooks.entries()) {
      const { type } = hook.plugin;
      if (changeHookAuth || knowsSender(hook) || isForAnybody(hook)) continue;
      const secret = hook.plugin.authenticate ? "give it a secret, " : "";
      ctx.addIssue({
        code: "custom",
        path: ["hooks", i],
        message: `does not say who may post to /change_hook/${type}: ${secret}set changeHookAuth, or write ${type}({ anybody: true }) if everyone who can reach the port may`,
      });
    }
  })
  .superRefine((slice, ctx) => {
    for (const { path, message } of findOpenDoors(slice)) ctx.addIssue({ code: "custom", path: [path], message });
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
export type UiSliceInput = Omit<z.input<typeof uiSlice>, "changeHookAuth"> & {
  /** What `env()` returns may be undefined: loading the config then fails and says so. */
  changeHookAuth?: { user: string | undefined; password: string | undefined };
};

/** Types the `ui` slice of a config. */
export function defineUi(slice: UiSliceInput): UiSliceInput {
  return slice;
}

/** Whether a hook knows by itself who sends a request: it has a secret. */
function knowsSender({ plugin, options }: PluginDescriptor<"hook">): boolean {
  return plugin.authenticate?.(options) !== undefined;
}

/** Whether the config says that a hook takes requests from anybody. */
export function isForAnybody({ options }: PluginDescriptor<"hook">): boolean {
  return (options as { anybody?: unknown }).anybody === true;
}

/** What a login needs of the part of the config that all share, and does not find there. */
export function checkLogin(
  { auth }: Pick<UiSlice, "auth">,
  { url }: { url?: string | undefined },
  placeOf: PlaceOf,
): string[] {
  if (url !== undefined || !auth?.plugin.needs?.includes("url")) return [];
  return [
    `${placeOf("cluster")}: url: is missing; ${auth.plugin.type} sends people back to it, such as url: "https://ci.example.org/"`,
  ];
}

const noHooks: ConfigWarning = {
  path: ["hooks"],
  sentence:
    "is absent, so /change_hook takes nothing (before, base took changes from anybody); hooks: [] says that it is meant, hooks: [base({ anybody: true })] opens it again",
};

/** Risks in what is served, seen with the part of the config that all masters share. */
export function warningsOfUi(slice: UiSlice, shared: { readonly url?: string | undefined }): ConfigWarning[] {
  const { hooks, auth, authorization } = slice;
  return [
    ...(hooks ? [] : [noHooks]),
    ...warningsOfDoors(slice, shared),
    ...(hooks ?? []).flatMap((hook, i) => warningsOfPlugin(hook, ["hooks", i])),
    ...(auth ? warningsOfPlugin(auth, ["auth"]) : []),
    ...plainNames(authorization),
  ];
}

/** Names that were users' and tokens' alike before. */
function plainNames(authorization: UiSlice["authorization"]): ConfigWarning[] {
  return Object.entries(authorization?.roles ?? {}).flatMap(([role, { usernames }]) =>
    usernames.flatMap((name, i) =>
      /^(user|token|id):/.test(name)
        ? []
        : [
            {
              path: ["authorization", "roles", role, "usernames", i],
              sentence: `"${name}" is a user and no API token any more; write "user:${name}", or "token:${name}" for the token`,
            },
          ],
    ),
  );
}
