/** The virtual environment of a Python component, named by what is installed in it. */
export function componentDirectory(
  name: "crossbar" | "moto" | "buildbot" | "buildbot-worker" | "schemathesis" | "buildbot-www",
): string;
/** The virtual environment of a component that few tests need, which is installed there if it is missing; throws a message if it cannot be. */
export function setUpOnDemand(component: string, print?: (line: string) => void): string;
/** The directory of a PostgreSQL server's programs, or undefined when this machine has none that is new enough. */
export function findPostgres(): string | undefined;
/** The program of a load balancer or pooler, or undefined when this machine has none that is new enough. */
export function findBalancer(name: "haproxy" | "nginx" | "pgbouncer" | "ngircd"): string | undefined;
/** Where Debian puts the stream module of nginx; it is a part of the program elsewhere. */
export const nginxStreamModule: string;
/** The program of Chromium (or Chrome), or undefined when this machine has none. */
export function findBrowser(): string | undefined;
/** The directory in which pip installed Buildbot's frontend and its views. */
export function buildbotFrontend(): string;
/** The programs that run containers, or undefined when this machine lacks one of them. */
export function findPodman(): { podman: string; runc: string } | undefined;
/** The directory of what tests need from others, which is kept between runs. */
export const cache: string;
/** The directory that holds the programs of the newest Node, which is installed there if it is missing. */
export function setUpNewestNode(print?: (line: string) => void): string;
/** Whether Debian's packages can be installed here. */
export function canUseApt(): boolean;
/** Installs Debian's packages; false if that failed. */
export function aptInstall(packages: readonly string[], print: (line: string) => void): boolean;
