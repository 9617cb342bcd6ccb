/** Main branches (docs/rest.md): what fails there needs attention, also from users who did not break it. */
const watched = /^(main|master|trunk|default|develop|stable|production|(releases?|stable|maint|hotfix)[/-].+)$/;

/** Null: the default branch. */
export const isWatchedBranch = (branch: string | null): boolean => branch === null || watched.test(branch);
