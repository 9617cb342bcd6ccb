import type { Json, User } from "@multimaster/core";

/** What a token may be used for. */
export type TokenScope = "read" | "all";

export interface ApiToken {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scope: TokenScope;
}

/** Sessions and API tokens, shared by all ui masters. Nothing here is under a lease: any master may do it. */
export interface LoginUpdates {
  /** Begins a session of a user, and gives its id: the only place where it is ever seen. */
  begin(method: string, user: User, lifetimeMs: number): Promise<string>;
  /** Who has this session. Undefined: it has expired or ended, or was made by another kind of login. */
  find(sessionId: string, method: string): Promise<User | undefined>;
  end(sessionId: string): Promise<void>;
  /** Ends every session of the user, on all devices. */
  endAll(method: string, username: string): Promise<void>;
  /** Keeps what a login needs when it comes back from its provider, to whichever master; gives the key to it. */
  keep(kept: Json, lifetimeMs: number): Promise<string>;
  /** Gives it back, once. */
  take(key: string): Promise<Json | undefined>;
  /** The valid token with this secret; its use is noted. */
  useToken(secret: string): Promise<ApiToken | undefined>;
  /** Deletes what has expired. */
  cleanUp(): Promise<void>;
}
