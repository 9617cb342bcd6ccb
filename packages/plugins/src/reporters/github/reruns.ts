/** The button of a check that has ended. GitHub shows at most 20 characters of the label, and 40 of the description. */
export const rerunAction = { label: "Run again", description: "Builds the same sources again", identifier: "rerun" };

/** What a check is known as when GitHub asks to run it again; names of repositories are the same in upper and lower case. */
export const checkTarget = (repository: string, revision: string): string =>
  `${repository.toLowerCase()}@${revision.toLowerCase()}`;

/** The reporter whose checks these are. */
export const checksReporter = "github-checks";
