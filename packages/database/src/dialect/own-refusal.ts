/** What the trigger of migrations/data-version-table.ts raises: the one error of a trigger that is this program's own. */
export const tooOld = "this release is older than the data version that the cluster writes";
