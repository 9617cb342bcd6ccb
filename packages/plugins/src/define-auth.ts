import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { Json, Logger, User } from "@multimaster/core";
import type { z } from "zod";

export interface AuthContext {
  readonly log: Logger;
  /** Where a provider sends people back to. */
  readonly callbackUrl: URL;
}

/** How a ui master learns who somebody is. */
export type Authenticator = NoLogin | PasswordLogin | ProxyLogin | RedirectLogin;

/** No one logs in. */
export interface NoLogin {
  readonly kind: "none";
}

/** People type a name and a password. */
export interface PasswordLogin {
  readonly kind: "password";
  check(username: string, password: string): Promise<User | undefined>;
  /** The user as the config has them now, and a fingerprint of the password's hash; sessions of another one end. */
  find(username: string): { readonly user: User; readonly fingerprint: string } | undefined;
}

/** A proxy in front has asked them already, and tells in headers of each request. It is asked for trusted proxies only. */
export interface ProxyLogin {
  readonly kind: "proxy";
  identify(header: (name: string) => string | undefined): User | undefined;
}

/** People are sent to a provider and come back. What `begin` gives to keep, `finish` gets, maybe on another master. */
export interface RedirectLogin {
  readonly kind: "redirect";
  /** Which provider, and as which of its clients: sessions of another one do not count. */
  readonly realm: string;
  begin(): Promise<{ readonly url: URL; readonly keep: Json }>;
  /** Throws, in a sentence, when the provider refuses or what came back is not its answer to `begin`. */
  finish(search: URLSearchParams, kept: Json): Promise<ConfirmedUser>;
  /** Asks the provider again who the user is now. Throws when it cannot be asked. */
  renew(user: User, grant: Json): Promise<ConfirmedUser | "refused">;
}

/** A user as a provider knows them now, and what it gave to ask it again. */
export interface ConfirmedUser {
  readonly user: User;
  readonly grant: Json;
}

/** What the login page and Buildbot's frontend show of a login. */
export interface AuthLook {
  readonly name: string;
  /** Of those that redirect: an icon that Buildbot's frontend knows. */
  readonly icon?: string;
}

export interface AuthDefinition<Options = unknown> extends PluginDefinition<"auth"> {
  /** Risks of the options, such as what is open; paths begin at the options. */
  warnings?(options: Options): readonly ConfigWarning[];
  look(options: Options): AuthLook;
  start(ctx: AuthContext, options: Options): Authenticator;
}

export interface AuthPlugin<S extends z.ZodType> extends Omit<AuthDefinition<z.output<S>>, "kind" | "options"> {
  readonly options: S;
}

/** Defines a login: one file, whose default export is what this returns and what a config calls. */
export function defineAuth<S extends z.ZodType>(
  plugin: AuthPlugin<S>,
): (options: z.input<S>) => PluginDescriptor<"auth"> {
  const definition: AuthDefinition<z.output<S>> = { ...plugin, kind: "auth" };
  return (options) => ({ plugin: definition, options });
}
