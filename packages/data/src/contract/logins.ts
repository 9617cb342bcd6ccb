import type { Json, User } from "@multimaster/core";
import type { Trail } from "../model/actor.ts";

/** What a token may be used for. */
export type TokenScope = "read" | "all";

export interface ApiToken {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scope: TokenScope;
}

/** What a session is bound to beside its user. */
export interface SessionBonds {
  /** Of the password's hash: with another one the session counts no more. */
  readonly fingerprint?: string | undefined;
  /** What the provider gave to ask it again; kept encrypted. */
  readonly grant?: Json | undefined;
  /** Writes the audit row of the login. */
  readonly trail?: Trail | undefined;
}

export interface Session {
  readonly user: User;
  readonly fingerprint: string | null;
  readonly grant: Json | undefined;
  /** Since its user was last confirmed: by the login, or by the provider since. */
  readonly checkedMsAgo: number;
}

/** Sessions and API tokens, shared by all ui masters. Nothing here is under a lease: any master may do it. */
export interface LoginUpdates {
  /** Begins a session of a user, and gives its id: the only place where it is ever seen. */
  begin(method: string, user: User, lifetimeMs: number, bonds?: SessionBonds): Promise<string>;
  /** Who has this session. Undefined: it has expired or ended, or was made by another kind of login. */
  find(sessionId: string, method: string): Promise<Session | undefined>;
  /** True for one master in this time: it alone asks the provider whether the user is still who they were. */
  claimCheck(sessionId: string, ms: number): Promise<boolean>;
  /** The provider has confirmed the user, as they are now. */
  confirm(sessionId: string, user: User, grant: Json | undefined): Promise<void>;
  end(sessionId: string, trail?: Trail): Promise<void>;
  /** Ends every session of the user, on all devices. */
  endAll(method: string, username: string, trail: Trail): Promise<void>;
  /** Keeps what a login needs when it comes back from its provider, to whichever master; gives the key to it. */
  keep(kept: Json, lifetimeMs: number): Promise<string>;
  /** Gives it back, once. */
  take(key: string): Promise<Json | undefined>;
  /** The valid token with this secret; its use is noted. */
  useToken(secret: string): Promise<ApiToken | undefined>;
  /** Deletes what has expired. */
  cleanUp(): Promise<void>;
}
