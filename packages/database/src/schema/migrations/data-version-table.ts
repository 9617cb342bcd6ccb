import { tooOld } from "../../dialect/own-refusal.ts";
import type { Dialect } from "../../dialect.ts";
import { double, integer, table } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/**
 * The one row that says which data version the cluster writes (data-version.ts). Masters read it when they join; those
 * of the first release do not, so the database itself refuses them a lease.
 */
export const dataVersionTable: Migration = {
  name: "the data version of the cluster",
  kind: "expand",
  tables: [table("mm_data_version", { id: integer.primary(), version: integer, raised_at: double })],
  statements: (dialect) => [
    `insert into mm_data_version (id, version, raised_at) values (1, 1, ${dialect.now})`,
    ...refuseOldLeases(dialect),
  ],
};

function refuseOldLeases({ name }: Dialect): string[] {
  const isOld = "new.data_version < (select version from mm_data_version)";
  if (name === "sqlite")
    return [
      `create trigger mm_leases_data_version before insert on mm_leases when ${isOld}
       begin select raise(abort, '${tooOld}'); end`,
    ];
  return [
    `create or replace function mm_refuse_old_lease() returns trigger language plpgsql as $$
     begin
       if ${isOld} then raise exception '${tooOld}'; end if;
       return new;
     end $$`,
    `create trigger mm_leases_data_version before insert on mm_leases
     for each row execute function mm_refuse_old_lease()`,
  ];
}
