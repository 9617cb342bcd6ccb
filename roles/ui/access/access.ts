import type { IncomingMessage } from "node:http";
import type { UiSlice } from "@multimaster/config";
import { errors } from "@multimaster/core";
import type { AuthDefinition, Authenticator, AuthLook } from "@multimaster/plugins";
import none from "@multimaster/plugins/auth/none";
import { type ClientAddress, createClientAddress } from "../../client-address.ts";
import type { RoleContext } from "../../define-role.ts";
import { mayDoAnything } from "./before-body.ts";
import { rulesOf } from "./decide.ts";
import { createIdentify } from "./identify.ts";
import { loginMethod } from "./login-method.ts";
import { createPermissions, type Permissions } from "./permissions.ts";
import { createRefusals, type Refusals } from "./refusals.ts";
import { createRenewSession } from "./renew-session.ts";
import { createSameSiteCheck } from "./same-site.ts";
import { type Cookies, createCookies } from "./session-cookie.ts";
import { anonymous, type Visitor } from "./visitor.ts";

/** A visitor's identity and rights, for every part of the ui: REST, realtime and pages. */
export interface Access extends Permissions {
  /** Identifies the sender. Throws if the request carries an invalid API token. */
  identify(request: IncomingMessage): Promise<Visitor>;
  /** Throws if a page of another site made a browser send a request that is valid only because of a login. */
  checkSameSite(request: IncomingMessage, visitor: Visitor): void;
  /** Throws if the visitor may perform no action at all on this path; checked before a large body is read. */
  checkAnyAction(visitor: Visitor, path: readonly string[]): void;
  /** Identifies who opens a WebSocket or a stream. A login does not count if a page of another site opens it. */
  listener(request: IncomingMessage): Promise<Visitor>;
  /** The origin of the page that made a browser send this request, if it belongs to another site. */
  otherSite(request: IncomingMessage): string | undefined;
  readonly authenticator: Authenticator;
  readonly look: AuthLook;
  /** The kind of login, under which sessions are stored. */
  readonly method: string;
  readonly cookies: Cookies;
  readonly address: ClientAddress;
  /** Records refused actions in the audit trail. */
  readonly refusals: Refusals;
}

export function createAccess({ config: { own, shared }, data, log, clock }: RoleContext<UiSlice>): Access {
  const authorization = rulesOf(own);
  const { plugin, options } = own.auth ?? none();
  const definition = plugin as AuthDefinition;
  // Without a URL for users there is no provider that could redirect users back.
  const callbackUrl = new URL("auth/login", shared.url ?? "http://localhost/");
  const authenticator = definition.start({ log, callbackUrl }, options);
  const address = createClientAddress(own.trustedProxies);
  const cookies = createCookies(shared.url, address.cameByTls);
  const method = loginMethod(plugin.type, authenticator);
  const otherSite = createSameSiteCheck(shared);
  const renew = createRenewSession({ data, authenticator, renewMs: own.renewLogins, log });
  const { roles } = authorization;
  const identify = createIdentify({ data, roles, method, authenticator, renew, cookies, address });
  const isAmbient = ({ by }: Visitor) => by === "session" || by === "proxy";
  return {
    ...createPermissions(authorization),
    identify,
    checkSameSite(request, visitor) {
      const other = isAmbient(visitor) ? otherSite(request) : undefined;
      if (other !== undefined) throw errors.otherSite(other);
    },
    checkAnyAction(visitor, path) {
      if (mayDoAnything(authorization, visitor, path)) return;
      throw errors.notAllowed("send this", "users who may change something there", visitor.user ? "" : "log in first");
    },
    async listener(request) {
      const visitor = await identify(request);
      return isAmbient(visitor) && otherSite(request) !== undefined ? anonymous : visitor;
    },
    otherSite,
    authenticator,
    look: definition.look(options),
    method,
    cookies,
    address,
    refusals: createRefusals({ audit: data.updates.audit, clock, log }),
  };
}
