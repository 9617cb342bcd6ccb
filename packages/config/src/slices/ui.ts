import { duration } from "@multimaster/core";
import { z } from "zod";
import type { ConfigWarning } from "../config-warning.ts";
import { network } from "../networks.ts";
import type { PlaceOf } from "../place-of.ts";
import { descriptorOf, type PluginDescriptor } from "../plugin.ts";
import { warningsOfPlugin } from "../plugin-warnings.ts";
import { portChoice } from "../port.ts";
import { authorization } from "./authorization.ts";
import { avatars } from "./avatars.ts";
import { findOpenDoors, warningsOfDoors } from "./ui-doors.ts";

const loginText = z.string("must be text; is its environment variable set?").min(1, "must not be empty");

/** The part of masters with the role `ui`. */
export const uiSlice = z
  .strictObject({
    host: z.string().default("127.0.0.1").describe("Address to listen on; put a TLS proxy in front of a public one."),
    port: portChoice.prefault(8010).describe("The first free one of several; 0 lets the system choose."),
    app: z
      .enum(["multimaster", "buildbot"])
      .default("multimaster")
      .describe("The web app that is served; buildbot: Buildbot's own, from the directory `path`."),
    path: z
      .string()
      .optional()
      .describe(
        "For app buildbot: the directory where pip installed buildbot-www and its views, relative to the config.",
      ),
    title: z.string().default("Multimaster").describe("Title of the pages."),
    avatars,
    allowedOrigins: z
      .array(z.string())
      .default([])
      .describe("Other origins whose pages may call the REST API; * matches any text."),
    hooks: z
      .array(descriptorOf("hook"))
      .superRefine((hooks, ctx) => {
        for (const [i, { plugin }] of hooks.entries())
          if (hooks.findIndex((other) => other.plugin.type === plugin.type) < i)
            ctx.addIssue({ code: "custom", path: [i], message: `a second ${plugin.type}: each type has one URL` });
      })
      .optional()
      .describe("The change hooks that /change_hook/<type> accepts; absent: none."),
    changeHookAuth: z
      .strictObject({
        user: loginText.describe("Name for HTTP Basic authentication."),
        password: loginText.describe("Password for HTTP Basic authentication."),
      })
      .optional()
      .describe("Name and password (HTTP Basic) for hooks whose requests have no signature."),
    jsonCacheSeconds: z
      .int()
      .min(0)
      .default(0)
      .describe("How long browsers may reuse answers of the REST API; 0: they revalidate each time."),
    trustedProxies: z
      .array(network)
      .default([])
      .describe("Proxies in front of the ui whose headers about the client are trusted."),
    connectionsPerAddress: z
      .int()
      .min(1)
      .default(500)
      .describe(
        "Maximum number of connections from one address, except this machine's own and those of trustedProxies.",
      ),
    listenersPerAddress: z
      .int()
      .min(1)
      .default(50)
      .describe(
        "Maximum number of WebSockets and event streams of one address; behind a proxy set trustedProxies, or all clients count as one address.",
      ),
    auth: descriptorOf("auth").optional().describe("How users log in; absent: there is no login."),
    sessionLifetime: duration.prefault("7d").describe("After this long a user must log in again."),
    renewLogins: duration
      .prefault("1h")
      .describe("For logins by a provider: after this long the user's identity and groups are queried again."),
    auditEntries: z
      .int()
      .min(100)
      .default(100_000)
      .describe("Number of the newest audit log entries that are kept; of refused actions a tenth as many."),
    open: z
      .boolean()
      .default(false)
      .describe(
        "Admits anyone who can connect to this port or has an account at the provider of auth; without authorization they control the cluster.",
      ),
    workerSealingKey: z
      .string()
      .min(1)
      .optional()
      .describe(
        "The file of the engines' `sealingKey`, relative to the config: workers that are added over REST or on the page of accounts may then use pb.",
      ),
    authorization: authorization
      .optional()
      .describe(
        "Which users may do what; absent: without a login anyone may do anything, with one anyone may read and users may control.",
      ),
  })
  .superRefine(({ hooks = [], changeHookAuth }, ctx) => {
    for (const [i, hook] of hooks.entries()) {
      const { type } = hook.plugin;
      if (changeHookAuth || knowsSender(hook) || isForAnybody(hook)) continue;
      const secret = hook.plugin.authenticate ? "set its secret, " : "";
      ctx.addIssue({
        code: "custom",
        path: ["hooks", i],
        message: `does not say who may post to /change_hook/${type}: ${secret}set changeHookAuth, or write ${type}({ anybody: true }) to accept requests from anyone who can connect`,
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
        message: `must name the proxies whose headers ${auth.plugin.type} trusts: any client can send such headers`,
      });
  });

export type UiSlice = z.output<typeof uiSlice>;
export type UiSliceInput = Omit<z.input<typeof uiSlice>, "changeHookAuth"> & {
  /** `env()` may return undefined: loading the config then fails with a message. */
  changeHookAuth?: { user: string | undefined; password: string | undefined };
};

/** Adds types to the `ui` slice of a config. */
export function defineUi(slice: UiSliceInput): UiSliceInput {
  return slice;
}

/** Whether a hook authenticates its senders by itself: it has a secret. */
function knowsSender({ plugin, options }: PluginDescriptor<"hook">): boolean {
  return plugin.authenticate?.(options) !== undefined;
}

/** Whether the config permits a hook to accept requests from anyone. */
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
    "is absent, so /change_hook accepts nothing (earlier releases accepted changes for base from anyone); hooks: [] confirms that, hooks: [base({ anybody: true })] opens it again",
};

/** Risks in the ui slice, together with the shared part of the config. */
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

/** Finds names that matched both users and tokens in earlier releases. */
function plainNames(authorization: UiSlice["authorization"]): ConfigWarning[] {
  return Object.entries(authorization?.roles ?? {}).flatMap(([role, { usernames }]) =>
    usernames.flatMap((name, i) =>
      /^(user|token|id):/.test(name)
        ? []
        : [
            {
              path: ["authorization", "roles", role, "usernames", i],
              sentence: `"${name}" matches only a user and no longer an API token; write "user:${name}", or "token:${name}" for the token`,
            },
          ],
    ),
  );
}
