/**
 * What a problem in a part of the config begins with: its file, or the config file and the part's name. The parts are named
 * "cluster", "scheduler", "workers", "ui", and "builders.SET".
 */
export type PlaceOf = (part: string) => string;
