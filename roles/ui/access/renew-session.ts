import type { Logger, User } from "@multimaster/core";
import type { Data, Session } from "@multimaster/data";
import type { Authenticator } from "@multimaster/plugins";

/** A provider that does not answer is queried again after this delay. */
const againMs = 60_000;

/** Returns the user of a session as the provider now describes them; undefined if the session has ended. */
export type RenewSession = (sessionId: string, session: Session) => Promise<User | undefined>;

export interface RenewSessionOptions {
  readonly data: Data;
  readonly authenticator: Authenticator;
  /** How long an answer of the provider is valid. */
  readonly renewMs: number;
  readonly log: Logger;
}

/**
 * Queries the provider again, once per `renewMs` for all masters together. If the provider refuses, or there is no grant to
 * query it, the session ends. While the provider is unavailable, the user's groups and addresses do not count.
 */
export function createRenewSession({ data, authenticator, renewMs, log }: RenewSessionOptions): RenewSession {
  const { logins } = data.updates;
  const underWay = new Map<string, Promise<User | undefined>>();

  async function ask(id: string, { user, grant }: Session): Promise<User | undefined> {
    if (authenticator.kind !== "redirect") return undefined;
    try {
      const renewed = grant === undefined ? "refused" : await authenticator.renew(user, grant);
      if (renewed === "refused") {
        log.info({ username: user.username }, "a session has ended: its provider no longer confirms the user");
        await logins.end(id);
        return undefined;
      }
      await logins.confirm(id, renewed.user, renewed.grant);
      return renewed.user;
    } catch (error) {
      if (data.isDatabaseAway(error)) throw error;
      return withoutRights(user);
    }
  }

  return async (id, session) => {
    if (session.checkedMsAgo <= renewMs) return session.user;
    const asked = underWay.get(id);
    if (asked) return asked;
    // Another master is querying the provider: meanwhile the known data stays valid.
    if (!(await logins.claimCheck(id, againMs)))
      return session.checkedMsAgo <= renewMs + againMs ? session.user : withoutRights(session.user);
    const asking = ask(id, session).finally(() => underWay.delete(id));
    underWay.set(id, asking);
    return asking;
  };
}

function withoutRights(user: User): User {
  return { ...user, email: null, groups: [] };
}
