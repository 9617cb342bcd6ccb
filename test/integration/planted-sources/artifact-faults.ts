import type { PlantedFault } from "./faults.ts";

const removal = ["artifacts/removal.test.ts"];

/** Of artifacts: no half one is seen, and what is needed stays. */
export const artifactFaults: readonly PlantedFault[] = [
  {
    name: "artifacts that are being uploaded or removed are listed",
    file: "packages/data/src/resources/artifacts.ts",
    safeguard: "where state = 'complete' and cache_scope is null) a",
    instead: "where cache_scope is null) a",
    tests: ["artifacts/steps.test.ts"],
  },
  {
    name: "an artifact is downloaded before it is whole",
    file: "packages/database/src/stores/artifacts.ts",
    safeguard: "a.artifactid = ? and a.state = 'complete'",
    instead: "a.artifactid = ?",
    tests: ["artifacts/downloads.test.ts"],
  },
  {
    name: "an upload is published though one of its files is not whole",
    file: "packages/database/src/stores/artifacts.ts",
    safeguard: "(state = 'removing' or sha256 is null)",
    instead: "state = 'removing'",
    tests: removal,
  },
  {
    name: "artifacts of a build that runs expire",
    file: "packages/database/src/stores/remove-artifacts.ts",
    safeguard: "b.id = a.buildid and b.complete_at is not null)",
    instead: "b.id = a.buildid)",
    tests: removal,
  },
  {
    name: "artifacts of a deleted build stay",
    file: "packages/database/src/stores/delete-builds.ts",
    safeguard: "await removeArtifactsOf(tx, ids);",
    instead: "",
    tests: removal,
  },
];
