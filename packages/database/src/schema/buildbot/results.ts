import { index, integer, serial, smallint, type Table, table, text, unique, varchar } from "../declare-table.ts";

/** Test results and users, as in Buildbot 4.3.0. */
export const resultTables: readonly Table[] = [
  // Test results
  table("test_result_sets", {
    id: serial,
    builderid: integer.references("builders.id"),
    buildid: integer.references("builds.id"),
    stepid: integer.references("steps.id"),
    description: text.nullable(),
    category: text,
    value_unit: text,
    tests_passed: integer.nullable(),
    tests_failed: integer.nullable(),
    complete: smallint,
  }),
  table("test_results", {
    id: serial,
    builderid: integer.references("builders.id"),
    test_result_setid: integer.references("test_result_sets.id"),
    test_nameid: integer.nullable().references("test_names.id"),
    test_code_pathid: integer.nullable().references("test_code_paths.id"),
    line: integer.nullable(),
    duration_ns: integer.nullable(),
    value: text,
  }),
  table(
    "test_names",
    {
      id: serial,
      builderid: integer.references("builders.id"),
      name: text,
    },
    index("test_names_name", "builderid", "name"),
  ),
  table(
    "test_code_paths",
    {
      id: serial,
      builderid: integer.references("builders.id"),
      path: text,
    },
    index("test_code_paths_path", "builderid", "path"),
  ),
  // Users
  table(
    "users",
    {
      uid: serial,
      identifier: varchar(255),
      bb_username: varchar(128).nullable(),
      bb_password: varchar(128).nullable(),
    },
    unique("users_bb_user", "bb_username"),
    unique("users_identifier", "identifier"),
  ),
  table(
    "users_info",
    {
      uid: integer.references("users.uid"),
      attr_type: varchar(128),
      attr_data: varchar(128),
    },
    unique("users_info_attrs", "attr_type", "attr_data"),
    index("users_info_uid", "uid"),
    unique("users_info_uid_attr_type", "uid", "attr_type"),
  ),
];
