/** Somebody who logged in, as the login that was used knows them. */
export interface User {
  /** Of a provider that tells: its issuer and its own, lasting id of the user. Names can be given to others, this cannot. */
  readonly id?: string;
  readonly username: string;
  /** Only an address that is known to be theirs: rights hang off it. */
  readonly email: string | null;
  readonly fullName: string | null;
  readonly groups: readonly string[];
}

/** The name under which somebody's builds and orders are kept: that of Buildbot, the e-mail address before the name. */
export function ownerName(user: User | undefined): string {
  return user === undefined ? "anonymous" : (user.email ?? user.username);
}
