import type { ConfigWarning, PluginDefinition, PluginDescriptor } from "@multimaster/config";
import type { Json, Logger, User } from "@multimaster/core";
import type { z } from "zod";

export interface AuthContext {
  readonly log: Logger;
  /** The URL to which a provider redirects users back. */
  readonly callbackUrl: URL;
}

/** How a ui master authenticates users. */
export type Authenticator = NoLogin | PasswordLogin | ProxyLogin | RedirectLogin;

/** There are no logins. */
export interface NoLogin {
  readonly kind: "none";
}

/** Users type a name and a password. */
export interface PasswordLogin {
  readonly kind: "password";
  check(username: string, password: string): Promise<User | undefined>;
  /** The user as configured now, with a fingerprint of the password's hash; sessions with another fingerprint end. */
  find(username: string): { readonly user: User; readonly fingerprint: string } | undefined;
}

/** A proxy in front has authenticated users, and names them in headers of each request. Used only for trusted proxies. */
export interface ProxyLogin {
  readonly kind: "proxy";
  identify(header: (name: string) => string | undefined): User | undefined;
}

/** Users are redirected to a provider and back. `finish` gets what `begin` returned, maybe on another master. */
export interface RedirectLogin {
  readonly kind: "redirect";
  /** Identifies the provider and the client: sessions of another realm are not valid. */
  readonly realm: string;
  begin(): Promise<{ readonly url: URL; readonly keep: Json }>;
  /** Throws a message if the provider refuses, or if the returned data does not answer `begin`. */
  finish(search: URLSearchParams, kept: Json): Promise<ConfirmedUser>;
  /** Queries the provider again for the user. Throws if the provider is unavailable. */
  renew(user: User, grant: Json): Promise<ConfirmedUser | "refused">;
}

/** A user as the provider now describes them, and the grant to query it again. */
export interface ConfirmedUser {
  readonly user: User;
  readonly grant: Json;
}

/** How the login page and Buildbot's frontend show a login. */
export interface AuthLook {
  readonly name: string;
  /** For redirecting logins: an icon that Buildbot's frontend knows. */
  readonly icon?: string;
}

export interface AuthDefinition<Options = unknown> extends PluginDefinition<"auth"> {
  /** Risks of the options, such as open access; paths begin at the options. */
  warnings?(options: Options): readonly ConfigWarning[];
  look(options: Options): AuthLook;
  start(ctx: AuthContext, options: Options): Authenticator;
}

export interface AuthPlugin<S extends z.ZodType> extends Omit<AuthDefinition<z.output<S>>, "kind" | "options"> {
  readonly options: S;
}

/** Defines a login. Each file default-exports the result, which a config calls. */
export function defineAuth<S extends z.ZodType>(
  plugin: AuthPlugin<S>,
): (options: z.input<S>) => PluginDescriptor<"auth"> {
  const definition: AuthDefinition<z.output<S>> = { ...plugin, kind: "auth" };
  return (options) => ({ plugin: definition, options });
}
