/** The three ways a path names a build, with the condition on `builds b` that each means. */
export const buildPaths = [
  { prefix: "builds/n:buildid", build: "b.id = :buildid" },
  {
    prefix: "builders/n:builderid/builds/n:build_number",
    build: "b.builderid = :builderid and b.number = :build_number",
  },
  {
    prefix: "builders/s:buildername/builds/n:build_number",
    build: "b.builderid in (select id from builders where name_hash = :sha1(buildername)) and b.number = :build_number",
  },
] as const;

/** The two ways a path names a step below a build, with the condition on `steps st`. */
export const stepPaths = [
  { suffix: "steps/n:step_number", step: "st.number = :step_number" },
  { suffix: "steps/i:step_name", step: "st.name = :step_name" },
] as const;

/** Ids of the build a path names. */
export const buildIds = (build: string) => `(select b.id from builds b where ${build})`;
