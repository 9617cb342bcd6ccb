/** The outcome of an act that needs a claim which another master may have. */
export type Lost = "lost";
