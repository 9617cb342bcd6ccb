import type { Migration } from "../migration.ts";

/**
 * `mm_leases.instance` was written and never read. Masters need not write it any more; since those of the first release
 * do, the column itself goes in the release after this one, by a contract migration of data version 2.
 */
export const leaseInstance: Migration = {
  name: "leases that need no instance",
  kind: "expand",
  statements: ({ name }) =>
    name === "postgresql"
      ? ["alter table mm_leases alter column instance set default ''"]
      : [
          "alter table mm_leases drop column instance",
          "alter table mm_leases add column instance varchar(40) not null default ''",
        ],
};
