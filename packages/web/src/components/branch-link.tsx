import { branchHref } from "../format/addresses.ts";

/** A branch, with a link to its page; nothing without a name. */
export function BranchLink({ branch }: { branch: string | null | undefined }) {
  if (!branch) return null;
  return (
    <a class="branch" href={branchHref(branch)} title={branch}>
      <bdi>{branch}</bdi>
    </a>
  );
}
