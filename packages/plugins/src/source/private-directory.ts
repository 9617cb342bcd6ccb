/**
 * The beginning of a shell program: `$d` is a directory, named by the first argument, which only this user can read and which
 * exists as long as the program, also when its process group gets a signal.
 */
export const inPrivateDirectory = `d=$1; shift; umask 077; rm -rf "$d"; mkdir "$d" || exit 1; trap 'rm -rf "$d"' EXIT; trap 'exit 143' HUP INT TERM;`;
