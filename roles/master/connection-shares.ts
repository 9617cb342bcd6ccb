/** How the roles of a master share its connections to the database. */
const shares: Readonly<Record<string, number>> = { scheduler: 2, "builder-engine": 3, ui: 3 };

/** The connections of the main thread, which does little: out of so many of the whole master. */
export function connectionsOfMain(all: number): number {
  return all < 4 ? 1 : 2;
}

/** The most connections of one role's thread, one at least, when the master has these roles and so many connections. */
export function connectionsOf(role: string, roles: readonly string[], all: number): number {
  const share = (name: string) => shares[name] ?? 1;
  const sum = [...new Set(roles)].reduce((total, name) => total + share(name), 0);
  return Math.max(1, Math.floor(((all - connectionsOfMain(all)) * share(role)) / sum));
}
