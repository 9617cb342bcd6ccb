import type { FieldProblems } from "./force-form.ts";

/** A form was filled in wrongly. Clients show each sentence at its field, so it is an object and not one message. */
export class FieldErrors extends Error {
  readonly fields: FieldProblems;

  constructor(fields: FieldProblems) {
    super(Object.values(fields).join("; "));
    this.name = "FieldErrors";
    this.fields = fields;
  }
}
