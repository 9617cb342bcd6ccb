/** How the roles of a master share its connections to the database; the main thread has such a share beside its roles'. */
const shares: Readonly<Record<string, number>> = { scheduler: 2, "builder-engine": 3, ui: 3 };
const mainShare = 2;

/** The most connections of one role's thread, one at least, when the master has these roles and so many connections. */
export function connectionsOfThread(role: string, roles: readonly string[], all: number): number {
  const share = (name: string) => shares[name] ?? 1;
  const sum = [...new Set(roles)].reduce((total, name) => total + share(name), mainShare);
  return Math.max(1, Math.floor((all * share(role)) / sum));
}

/** The connections of the main thread: those that the roles with threads leave, and one at least. */
export function connectionsOfMain(withThreads: readonly string[], roles: readonly string[], all: number): number {
  return Math.max(
    1,
    withThreads.reduce((left, role) => left - connectionsOfThread(role, roles, all), all),
  );
}
