import { buildTables } from "./buildbot/builds.ts";
import { clusterTables } from "./buildbot/cluster.ts";
import { resultTables } from "./buildbot/results.ts";
import { sourceTables } from "./buildbot/sources.ts";
import type { Table } from "./declare-table.ts";

/** What `alembic_version` says in a database of Buildbot 4.3.0. */
export const buildbotVersion = "067";

/** The 43 tables of Buildbot 4.3.0. They are Buildbot's: whatever we need beyond them goes into tables of our own. */
export const buildbotTables: readonly Table[] = [...clusterTables, ...sourceTables, ...buildTables, ...resultTables];
