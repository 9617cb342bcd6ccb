import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs of version control that the tests run beside git, by the Debian package that has them. */
const programs = {
  subversion: ["svn", "svnadmin", "svnmucc", "svnserve"],
  mercurial: ["hg"],
  "git-lfs": ["git-lfs"],
  "openssh-client": ["ssh-keygen"],
  gnupg: ["gpg", "gpgconf", "gpg-agent"],
};

/** The packages of which this machine lacks a program. */
export function missingVersionControl() {
  return Object.entries(programs).flatMap(([name, list]) => (list.every(isThere) ? [] : [name]));
}

function isThere(program) {
  return (process.env.PATH ?? "").split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
