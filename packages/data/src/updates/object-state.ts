export interface StateKey {
  /** objects.name: the service's name. */
  object: string;
  /** objects.class_name, such as "GitPoller". */
  className: string;
  /** object_state.name, such as "lastRev". */
  name: string;
}
