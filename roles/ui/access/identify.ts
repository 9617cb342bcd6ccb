import type { IncomingMessage } from "node:http";
import type { Authorization } from "@multimaster/config";
import { errors } from "@multimaster/core";
import type { Data } from "@multimaster/data";
import type { Authenticator } from "@multimaster/plugins";
import type { ClientAddress } from "./client-address.ts";
import type { Cookies } from "./session-cookie.ts";
import { anonymous, tokenVisitor, userVisitor, type Visitor } from "./visitor.ts";

export interface IdentifyOptions {
  readonly data: Data;
  readonly roles: Authorization["roles"];
  /** Which kind of login made the sessions that count. */
  readonly method: string;
  readonly authenticator: Authenticator;
  readonly cookies: Cookies;
  readonly address: ClientAddress;
}

/**
 * Finds out who sends a request: by an API token, by what a trusted proxy says, or by a session. A session that is not
 * valid makes nobody of its sender; a token that is not is refused, since whoever sends one means it.
 */
export function createIdentify({ data, roles, method, authenticator, cookies, address }: IdentifyOptions) {
  async function identify(request: IncomingMessage): Promise<Visitor> {
    const [, secret] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "") ?? [];
    if (secret !== undefined) {
      const token = await data.updates.logins.useToken(secret);
      if (!token) throw errors.tokenRefused();
      return tokenVisitor(token, roles);
    }
    if (authenticator.kind === "proxy") return byProxy(request);
    if (authenticator.kind === "none") return anonymous;
    const id = cookies.session.read(request);
    const user = id === undefined ? undefined : await data.updates.logins.find(id, method);
    if (user === undefined) return anonymous;
    if (authenticator.kind === "password" && !authenticator.knows(user.username)) return anonymous;
    return userVisitor(user, "session", roles);
  }

  function byProxy(request: IncomingMessage): Visitor {
    if (authenticator.kind !== "proxy" || !address.isFromProxy(request)) return anonymous;
    const user = authenticator.identify((name) => {
      const value = request.headers[name.toLowerCase()];
      return Array.isArray(value) ? value.join(",") : value;
    });
    return user ? userVisitor(user, "proxy", roles) : anonymous;
  }

  return async (request: IncomingMessage): Promise<Visitor> => {
    try {
      return await identify(request);
    } catch (error) {
      throw data.explainDatabase(error) ?? error;
    }
  };
}
