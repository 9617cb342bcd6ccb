import type { PlantedFault } from "./faults.ts";

/** Of approvals, and of what a step builds item by item. */
export const approvalFaults: readonly PlantedFault[] = [
  {
    name: "a claim takes what waits for an approval",
    file: "packages/lifecycle/src/request-claims.ts",
    safeguard: ' and not ${isUnapproved("br")}',
    instead: "",
    tests: ["engine/approvals.test.ts"],
  },
  {
    name: "what is decided is decided again",
    file: "packages/database/src/stores/approvals.ts",
    safeguard: "where buildrequestid = ? and decision is null`,\n    [decision",
    instead: "where buildrequestid = ?`,\n    [decision",
    tests: ["engine/approvals.test.ts"],
  },
  {
    name: "what comes after a failed item is built",
    file: "packages/plugins/src/steps/trigger/run-items.ts",
    safeguard: "if (!isGood(end.results)) {",
    instead: "if (end.results < 0) {",
    tests: ["engine/matrix.test.ts"],
  },
];
