import type { IncomingMessage } from "node:http";
import type { Authorization } from "@multimaster/config";
import { errors } from "@multimaster/core";
import type { Data, Session } from "@multimaster/data";
import type { Authenticator } from "@multimaster/plugins";
import type { ClientAddress } from "../../client-address.ts";
import type { RenewSession } from "./renew-session.ts";
import type { Cookies } from "./session-cookie.ts";
import { anonymous, tokenVisitor, userVisitor, type Visitor } from "./visitor.ts";

export interface IdentifyOptions {
  readonly data: Data;
  readonly roles: Authorization["roles"];
  /** The kind of login whose sessions are valid. */
  readonly method: string;
  readonly authenticator: Authenticator;
  readonly renew: RenewSession;
  readonly cookies: Cookies;
  readonly address: ClientAddress;
}

/**
 * Identifies the sender of a request: by an API token, by headers of a trusted proxy, or by a session. With an invalid session
 * the sender is anonymous. An invalid token is refused, because the sender relies on it.
 */
export function createIdentify(options: IdentifyOptions) {
  const { data, roles, method, authenticator, renew, cookies, address } = options;

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
    const session = id === undefined ? undefined : await data.updates.logins.find(id, method);
    if (id === undefined || session === undefined) return anonymous;
    return bySession(id, session);
  }

  /** The rights of a session follow the present config or provider, not only those at the login. */
  async function bySession(id: string, session: Session): Promise<Visitor> {
    if (authenticator.kind === "password") {
      const now = authenticator.find(session.user.username);
      return now?.fingerprint === session.fingerprint ? userVisitor(now.user, "session", roles) : anonymous;
    }
    const user = await renew(id, session);
    return user === undefined ? anonymous : userVisitor(user, "session", roles);
  }

  function byProxy(request: IncomingMessage): Visitor {
    if (authenticator.kind !== "proxy" || !address.isFromProxy(request)) return anonymous;
    const { headersDistinct } = request;
    let isForged = false;
    const user = authenticator.identify((name) => {
      const values = headersDistinct[name.toLowerCase()] ?? [];
      // A proxy that adds its own beside what the client sent: no one can distinguish them.
      if (values.length > 1) isForged = true;
      return values[0];
    });
    if (isForged) return anonymous;
    return user ? userVisitor(user, "proxy", roles) : anonymous;
  }

  return async (request: IncomingMessage): Promise<Visitor> => {
    try {
      return { ...(await identify(request)), address: address.of(request) };
    } catch (error) {
      throw data.explainDatabase(error) ?? error;
    }
  };
}
