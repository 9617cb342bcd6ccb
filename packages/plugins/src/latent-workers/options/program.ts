import { z } from "zod";

const sentence = 'must be a list of a program and its arguments, such as ["./start", "--fast"]';

/** A program and its arguments. No shell reads them. */
export const program = z.array(z.string(), { error: sentence }).min(1, sentence);
