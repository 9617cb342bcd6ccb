/** A user who logged in, as described by the login method used. */
export interface User {
  /** The provider's issuer and its permanent id of the user, if the provider has one. Names can be reassigned, an id cannot. */
  readonly id?: string;
  readonly username: string;
  /** Only an address that is verified to be the user's: rights depend on it. */
  readonly email: string | null;
  readonly fullName: string | null;
  readonly groups: readonly string[];
}

/** The owner's name stored with a user's builds and commands: like Buildbot, the e-mail address in preference to the name. */
export function ownerName(user: User | undefined): string {
  return user === undefined ? "anonymous" : (user.email ?? user.username);
}
