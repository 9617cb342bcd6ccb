import { double, integer, serial, table, text, unique, varchar } from "../declare-table.ts";
import type { Migration } from "../migration.ts";

/** Workers that are made on demand, and what was made of them. */
export const workerInstances: Migration = {
  name: "instances of latent workers",
  kind: "expand",
  tables: [
    // One row: distinguishes the instances of this cluster from those of others at the same provider.
    table("mm_cluster_identity", { singleton: integer.primary(), clusterid: varchar(36) }),
    // A latent worker of the config. A failed start delays the next one, whichever engine tries it.
    table("mm_latent_workers", {
      name: varchar(50).primary(),
      kind: varchar(32),
      min_instances: integer,
      max_instances: integer,
      failures: integer.default("0"),
      failure: text.nullable(),
      retry_at: double.nullable(),
    }),
    // The worker names that instances of a latent worker may have: as many as there may be instances.
    table("mm_latent_slots", {
      workerid: integer.primary().references("workers.id"),
      latent: varchar(50),
    }),
    // An instance, from before it is made until it is known to be gone. A slot has one at most.
    table(
      "mm_worker_instances",
      {
        instanceid: serial,
        workerid: integer.references("workers.id"),
        latent: varchar(50),
        kind: varchar(32),
        state: varchar(16),
        // Of several places where it can be made, such as container hosts, the one that was chosen.
        place: varchar(200).nullable(),
        // Only masters of this host reach it; null: every engine does.
        host: varchar(255).nullable(),
        // Where it connects.
        master_url: text,
        // What the provider calls it; null: unknown yet.
        provider_id: text.nullable(),
        secret_hash: varchar(64),
        // The only build request that it builds. No reference: a row may outlive the request.
        buildrequestid: integer.nullable(),
        made_at: double,
        attached_at: double.nullable(),
        // Builds of its slot up to this id were of earlier instances.
        after_buildid: integer,
        // What the start reported.
        log: text.nullable(),
      },
      unique("mm_worker_instances_workerid", "workerid"),
    ),
    // Which master looks after an instance. One that is gone has none: any engine takes its instances.
    table("mm_instance_claims", {
      instanceid: integer.primary().references("mm_worker_instances.instanceid"),
      masterid: integer.references("masters.id"),
    }),
  ],
};
