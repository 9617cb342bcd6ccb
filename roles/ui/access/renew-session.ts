import type { Logger, User } from "@multimaster/core";
import type { Data, Session } from "@multimaster/data";
import type { Authenticator } from "@multimaster/plugins";

/** A provider that does not answer is asked again after this long. */
const againMs = 60_000;

/** The user of a session as the provider knows them now; undefined when the session is over. */
export type RenewSession = (sessionId: string, session: Session) => Promise<User | undefined>;

export interface RenewSessionOptions {
  readonly data: Data;
  readonly authenticator: Authenticator;
  /** For so long what the provider said counts. */
  readonly renewMs: number;
  readonly log: Logger;
}

/**
 * Asks the provider again, once in `renewMs` for all masters. When the provider refuses, or there is nothing to ask it
 * with, the session ends. When it cannot be asked, the user's groups and addresses count no more until it can.
 */
export function createRenewSession({ data, authenticator, renewMs, log }: RenewSessionOptions): RenewSession {
  const { logins } = data.updates;
  const underWay = new Map<string, Promise<User | undefined>>();

  async function ask(id: string, { user, grant }: Session): Promise<User | undefined> {
    if (authenticator.kind !== "redirect") return undefined;
    try {
      const renewed = grant === undefined ? "refused" : await authenticator.renew(user, grant);
      if (renewed === "refused") {
        log.info({ username: user.username }, "a session has ended: its provider does not confirm the user any more");
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
    // Another master asks: what was known counts for as long as that takes.
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
